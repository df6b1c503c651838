// SPDX-License-Identifier: Apache-2.0

// Daemon does what daemons do after their start, as told on standard input. Each command is answered by "ready COMMAND".
//
//	setuid   becomes the user 65534, for good
//	close    closes all descriptors from 100 on, whosever they are, as closefrom(3) does
//	quit     ends with "done"
package main

import "C"

import (
	"os"
	"strconv"
	"syscall"

	"gopagewatch.test/apps/internal/talk"
)

const (
	nobody     = 65534
	firstOther = 100 // none of the runtime's
)

func closeOthers() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		talk.Fail("daemon: %v", err)
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd >= firstOther {
			syscall.Close(fd)
		}
	}
}

func main() {
	talk.Say("ready daemon")
	for {
		command := talk.Command()
		switch command {
		case "setuid":
			if err := syscall.Setuid(nobody); err != nil {
				talk.Fail("daemon: %v", err)
			}
		case "close":
			closeOthers()
		case "quit":
			talk.Say("done")
			return
		default:
			talk.Fail("daemon: no such command: %q", command)
		}
		talk.Say("ready %s", command)
	}
}
