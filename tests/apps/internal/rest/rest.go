// SPDX-License-Identifier: Apache-2.0

// Package rest brings a program to rest and says, to the byte, what Go knows of its heap.
//
// The words are those of internal/talk: "truth PHASE key=value ...", "ready PHASE". On the line "again" the same is said
// once more, without a collection; any other line lets the program go on. When two lines of truth are equal, nothing has
// been allocated or freed between them: whatever looks at the heap in between must find these very numbers. That holds
// because
//   - both collections are over and swept when runtime.GC returns;
//   - ReadMemStats takes the half-used spans back from all processors, so that the counts of runtime/metrics are exact;
//   - from there to the end of the phase nothing here allocates: the samples, the line and the answer are there before,
//     and both are moved by plain system calls;
//   - the percentage is so large that no collection begins by itself. (Off would do as well, but then there is no heap
//     goal to compare.) The background scavenger keeps what was in use at the last collection, times the heap goal of now
//     over the goal of then: so the percentage is an ordinary one while Reach collects, and raised afterwards, and the
//     scavenger has nothing to do.
//
// What may still move in the background are the collector's work buffers, which the sweeper gives back when it is done:
// then the two lines differ, and the test asks again.
package rest

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"sync"
	"syscall"
)

const (
	percent         = 20000
	ordinaryPercent = 100
)

var (
	keys    = []string{"objects", "unused", "stacks", "free", "released", "count", "goal", "cycles"}
	samples = []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/gc/heap/objects:objects"},
		{Name: "/gc/heap/goal:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	memory  runtime.MemStats
	line    [1024]byte
	command [256]byte
)

// StartThreads leaves idle ones behind, so that Go need not make any later: each takes 2.5 KiB of the heap.
func StartThreads() {
	const threads = 8
	var locked, done sync.WaitGroup
	locked.Add(threads)
	done.Add(threads)
	for i := 0; i < threads; i++ {
		go func() {
			runtime.LockOSThread()
			locked.Done()
			locked.Wait()
			runtime.UnlockOSThread()
			done.Done()
		}()
	}
	done.Wait()
}

// Begin is called once, before the first phase.
func Begin() {
	debug.SetGCPercent(percent)
}

func read() {
	runtime.ReadMemStats(&memory)
	metrics.Read(samples)
}

func say(phase string, words string) {
	out := append(line[:0], "truth "...)
	out = append(out, phase...)
	for i := range samples {
		out = append(out, ' ')
		out = append(out, keys[i]...)
		out = append(out, '=')
		out = strconv.AppendUint(out, samples[i].Value.Uint64(), 10)
	}
	out = append(out, words...)
	out = append(out, "\nready "...)
	out = append(out, phase...)
	out = append(out, '\n')
	for len(out) > 0 {
		n, err := syscall.Write(1, out)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			os.Exit(0) // the test is gone
		}
		out = out[n:]
	}
}

// One line, byte by byte: what comes after it stays in the pipe. The program ends when there is none.
func answer() []byte {
	for length := 0; length < len(command); {
		n, err := syscall.Read(0, command[length:length+1])
		if err == syscall.EINTR {
			continue
		}
		if n != 1 {
			os.Exit(0)
		}
		if command[length] == '\n' {
			return command[:length]
		}
		length++
	}
	os.Exit(1)
	return nil
}

// Reach collects, says where the heap stands, and returns when the program may go on. `words` is put behind the truth
// as it is: " key=value".
func Reach(phase string, words string) {
	debug.SetGCPercent(ordinaryPercent)
	runtime.GC()
	runtime.GC()
	debug.SetGCPercent(percent)
	Stay(phase, words)
}

// Stay is Reach without the collections.
func Stay(phase string, words string) {
	// The first readings may grow this stack: the later ones then find it grown.
	read()
	read()
	for {
		read()
		say(phase, words)
		if string(answer()) != "again" {
			return
		}
	}
}
