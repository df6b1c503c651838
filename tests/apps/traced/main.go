// SPDX-License-Identifier: Apache-2.0

// Traced runs under Go's own tracer and writes a heap dump: what the runtime maps for these comes from places of their
// own, which differ from version to version.
//
// Phase traced: the tracer runs on, the heap dump is written.
package main

import "C"

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/trace"
	"sync"

	"gopagewatch.test/apps/internal/talk"
)

const (
	tasks       = 2000
	objectBytes = 1 << 20
)

func main() {
	object := make([]*int, objectBytes/8) // the heap dump needs memory of its own for its pointers
	if err := trace.Start(io.Discard); err != nil {
		talk.Fail("trace: %v", err)
	}
	var all sync.WaitGroup
	for i := 0; i < tasks; i++ {
		all.Add(1)
		go func(name string) {
			_, task := trace.NewTask(context.Background(), name)
			trace.Log(context.Background(), name, "running")
			task.End()
			all.Done()
		}(fmt.Sprint("task number ", i))
	}
	all.Wait()
	file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		talk.Fail("%v", err)
	}
	debug.WriteHeapDump(file.Fd())
	object[0] = new(int)
	talk.Reach("traced")
	trace.Stop()
}
