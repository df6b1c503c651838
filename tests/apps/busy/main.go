// SPDX-License-Identifier: Apache-2.0

// Busy never rests: eight goroutines allocate and drop memory of all sizes while another collects garbage and gives
// memory back without a pause, until standard input ends. Each line on it is answered by a line of truth and "ready busy".
//
// Fresh memory must be zero and kept memory must keep its marks; Go counts on both when it gives pages back and takes
// them again. A fault ends the program with status 1.
package main

import "C" // nothing is called: the program only has to be one with libc in it

import (
	"bufio"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"gopagewatch.test/apps/internal/talk"
)

const (
	goroutines = 8
	keptBlocks = 64
)

var sizes = []int{24, 100, 512, 3000, 8192, 20000, 70000, 600000}

func check(block []byte, mark byte) {
	for at := range block {
		if block[at] != mark {
			talk.Fail("busy: byte %d of %d is %#x, not %#x", at, len(block), block[at], mark)
		}
	}
}

func work(mark byte, stop *int32, rounds *int64) {
	var kept [keptBlocks][]byte
	for i := 0; atomic.LoadInt32(stop) == 0; i++ {
		block := make([]byte, sizes[i%len(sizes)])
		check(block, 0)
		for at := range block {
			block[at] = mark
		}
		// Neighbouring places, so that each holds blocks of all sizes in turn.
		place := i / len(sizes) % keptBlocks
		check(kept[place], mark)
		kept[place] = block
		atomic.AddInt64(rounds, 1)
	}
}

func main() {
	var stop int32
	var rounds int64
	var all sync.WaitGroup
	all.Add(goroutines + 1)
	for i := 0; i < goroutines; i++ {
		go func(mark byte) {
			defer all.Done()
			work(mark, &stop, &rounds)
		}(byte(i + 1))
	}
	go func() {
		defer all.Done()
		for i := 0; atomic.LoadInt32(&stop) == 0; i++ {
			if i%4 == 3 {
				debug.FreeOSMemory()
			} else {
				runtime.GC()
			}
		}
	}()

	talk.Say("ready busy")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		talk.Truth("busy")
		talk.Say("ready busy")
	}
	atomic.StoreInt32(&stop, 1)
	all.Wait()
	talk.Say("done rounds=%d", atomic.LoadInt64(&rounds))
}
