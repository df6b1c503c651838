// SPDX-License-Identifier: Apache-2.0

// Signals uses SIGUSR2 itself, in all the ways that a Go program with C parts can, as told on standard input. Each command
// is answered by "ready COMMAND" when it has taken effect:
//
//	notify, stop          signal.Notify and signal.Stop
//	ignore, reset         signal.Ignore and signal.Reset
//	c-sigaction           a handler from C with SA_SIGINFO, by sigaction(2)
//	c-signal              a handler from C by signal(2)
//	c-ignore, c-default   SIG_IGN and SIG_DFL by sigaction(2)
//	c-restore             what stood there before the first of the c- commands
//	c-query               first "query handler=NAME flags=0x..": what sigaction(2) says is installed; NAME is info, plain,
//	                      ignore, default or other (the Go runtime's)
//	c-vfork               a child of vfork(2) sets the signal to its default
//	c-stack               first "stack NAME": the one that a C handler without SA_ONSTACK runs on, own or alternate
//	raise                 sends the signal to the thread that carries out the command: when "ready raise" comes, a handler
//	                      has run
//	await go=N c=M        answered when Go has received at least N and C at least M; signals merge while one is pending
//	count                 first "count go=N c=M sender=PID bad=K": received so far, who sent the last one that C got with
//	                      SA_SIGINFO, and how many came with a wrong siginfo
//	quit                  ends with "done"
//
// A signal from outside must have been received before "ignore": one that is still on its way when signal.Ignore takes
// effect ends a Go program (the runtime forwards it to the default action). That is so without anything preloaded, too.
package main

/*
#cgo CFLAGS: -std=gnu17 -D_GNU_SOURCE -Wall
#include "c_handlers.h"
*/
import "C"

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"

	"gopagewatch.test/apps/internal/talk"
)

type counts struct {
	sync.Mutex
	changed *sync.Cond
	golang  int
	c       int
}

func newCounts() *counts {
	received := &counts{}
	received.changed = sync.NewCond(received)
	return received
}

func (r *counts) add(golang, c int) {
	r.Lock()
	r.golang += golang
	r.c += c
	r.Unlock()
	r.changed.Broadcast()
}

func (r *counts) await(golang, c int) {
	r.Lock()
	for r.golang < golang || r.c < c {
		r.changed.Wait()
	}
	r.Unlock()
}

func (r *counts) say() {
	r.Lock()
	defer r.Unlock()
	talk.Say("count go=%d c=%d sender=%d bad=%d", r.golang, r.c, int(C.c_handlers_sender()), int(C.c_handlers_bad()))
}

func sayQuery() {
	var flags C.uint
	name := C.GoString(C.c_handlers_query(&flags))
	talk.Say("query handler=%s flags=%#x", name, uint32(flags))
}

func raise() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Tgkill(syscall.Getpid(), syscall.Gettid(), syscall.SIGUSR2); err != nil {
		talk.Fail("signals: %v", err)
	}
}

func main() {
	if C.c_handlers_start() != 0 {
		talk.Fail("signals: no pipe")
	}
	received := newCounts()
	arrived := make(chan os.Signal, 1024)
	go func() {
		for range arrived {
			received.add(1, 0)
		}
	}()
	go func() {
		for C.c_handlers_await_one() == 0 {
			received.add(0, 1)
		}
	}()
	commands := map[string]func(){
		"notify":      func() { signal.Notify(arrived, syscall.SIGUSR2) },
		"stop":        func() { signal.Stop(arrived) },
		"ignore":      func() { signal.Ignore(syscall.SIGUSR2) },
		"reset":       func() { signal.Reset(syscall.SIGUSR2) },
		"c-sigaction": func() { C.c_handlers_install(C.HANDLER_INFO) },
		"c-signal":    func() { C.c_handlers_install(C.HANDLER_PLAIN) },
		"c-ignore":    func() { C.c_handlers_install(C.HANDLER_IGNORE) },
		"c-default":   func() { C.c_handlers_install(C.HANDLER_DEFAULT) },
		"c-restore":   func() { C.c_handlers_install(C.HANDLER_BEFORE) },
		"c-query":     sayQuery,
		"c-vfork":     func() { C.c_handlers_vfork() },
		"c-stack":     func() { talk.Say("stack %s", C.GoString(C.c_handlers_stack())) },
		"raise":       raise,
		"count":       received.say,
	}

	talk.Say("ready signals")
	for {
		command := talk.Command()
		var golang, c int
		if n, _ := fmt.Sscanf(command, "await go=%d c=%d", &golang, &c); n == 2 {
			received.await(golang, c)
			command = "await"
		} else if carryOut, known := commands[command]; known {
			carryOut()
		} else if command == "quit" {
			talk.Say("done")
			return
		} else {
			talk.Fail("signals: no such command: %q", command)
		}
		talk.Say("ready %s", command)
	}
}
