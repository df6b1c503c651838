// SPDX-License-Identifier: Apache-2.0

// Forker has children of every kind: by os/exec (a shell, and itself), by fork(2), posix_spawn(3) and system(3) from C.
// It prints one line for each with what became of it, the same in every run, and calls setgid, which libc carries out on
// every thread of the process by a signal of its own.
//
// In phase "forked" a child of fork(2) that has not called exec stands still; "child=PID" in the line of truth names it.
package main

/*
#cgo CFLAGS: -std=gnu17 -D_GNU_SOURCE -Wall
#include "c_children.h"
*/
import "C"

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"

	"gopagewatch.test/apps/internal/talk"
)

// What this program does when it is its own child.
func beChild() {
	lost := make([][]byte, 200)
	for i := range lost {
		lost[i] = make([]byte, 50000)
	}
	runtime.KeepAlive(lost)
	debug.FreeOSMemory()
	fmt.Println("child has lived")
}

func run(name string, command *exec.Cmd) {
	output, err := command.CombinedOutput()
	talk.Say("%s: output=%q error=%v", name, strings.TrimSpace(string(output)), err)
}

func main() {
	isChild := flag.Bool("child", false, "be the child")
	showEnvironment := flag.Bool("environment", false, "print the LD_PRELOAD that a child sees, and end")
	flag.Parse()
	if *isChild {
		beChild()
		return
	}
	self, err := os.Executable()
	if err != nil {
		talk.Fail("forker: %v", err)
	}
	if *showEnvironment {
		run("environment", exec.Command("sh", "-c", "echo preload=$LD_PRELOAD"))
		return
	}

	run("shell", exec.Command("sh", "-c", "echo hello; exit 3"))
	run("itself", exec.Command(self, "-child"))
	run("missing", exec.Command("/nonexistent/program"))
	talk.Say("fork _exit: status=%d", int(C.c_children_fork(C.CHILD_END_AT_ONCE)))
	talk.Say("fork exit: status=%d", int(C.c_children_fork(C.CHILD_EXIT)))
	talk.Say("fork exec: status=%d", int(C.c_children_fork(C.CHILD_EXEC)))
	talk.Say("fork SIGABRT: status=%d", int(C.c_children_fork(C.CHILD_ABORT)))
	talk.Say("fork SIGUSR2: status=%d", int(C.c_children_fork(C.CHILD_USR2)))
	talk.Say("spawn: status=%d", int(C.c_children_spawn()))
	talk.Say("system: status=%d", int(C.c_children_system()))
	talk.Say("setgid: result=%d", int(C.c_children_set_group()))

	child := C.c_children_fork_waiting()
	talk.Reach("forked", fmt.Sprintf("child=%d", int(child)))
	talk.Say("fork waiting: status=%d", int(C.c_children_release(child)))
	talk.Say("done")
}
