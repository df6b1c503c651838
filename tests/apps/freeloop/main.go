// SPDX-License-Identifier: Apache-2.0

// Freeloop is heavy on madvise: again and again it allocates and touches memory, drops it, and calls debug.FreeOSMemory.
//
// With -scatter every second block is kept until the round after, so that what is given back lies in many short runs:
// one madvise call for each. Prints "elapsed_ns=N" (the loop alone). With -wait it stays in the phase "done" afterwards;
// with -settle all that can be given back is given back before, and on each line "collect" there is a collection, which
// tells of what was given back in the background.
// Run it with GOGC=off and nothing but FreeOSMemory gives memory back: then GODEBUG=scavtrace=1 accounts for every call.
package main

import "C" // nothing is called: the program only has to be one with libc in it

import (
	"flag"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"time"

	"gopagewatch.test/apps/internal/talk"
)

const (
	blockBytes = 40 << 10 // a span of its own
	pageBytes  = 4096
)

// Returns the blocks, with nil in place of the dropped ones, and how many were dropped.
func round(blocks int, scatter bool) (kept [][]byte, dropped int) {
	for i := 0; i < blocks; i++ {
		block := make([]byte, blockBytes)
		for at := 0; at < len(block); at += pageBytes {
			block[at] = 1
		}
		// Both kinds are held here, or a collection in between would let the next block take the place of a dropped one.
		kept = append(kept, block)
	}
	for i := range kept {
		if !scatter || i%2 == 1 {
			kept[i] = nil
			dropped++
		}
	}
	return kept, dropped
}

func main() {
	rounds := flag.Int("n", 200, "rounds")
	mebibytes := flag.Int("mib", 16, "MiB allocated in each")
	scatter := flag.Bool("scatter", true, "keep every second block for a round")
	settle := flag.Bool("settle", false, "give back what can be given back before that")
	wait := flag.Bool("wait", false, "stay in phase done until a line comes")
	flag.Parse()

	var kept [][]byte
	dropped := 0
	start := time.Now()
	for i := 0; i < *rounds; i++ {
		n := 0
		kept, n = round(*mebibytes<<20/blockBytes, *scatter)
		dropped += n
		debug.FreeOSMemory()
	}
	elapsed := time.Since(start)
	for i := range kept {
		if kept[i] != nil && kept[i][0] != 1 {
			talk.Fail("freeloop: kept memory has changed")
		}
	}
	talk.Say("elapsed_ns=%d", elapsed.Nanoseconds())
	if *settle {
		debug.SetMemoryLimit(math.MaxInt64) // near a limit the scavenger finds work at any time
		debug.FreeOSMemory()
		runtime.GC()
	}
	if *wait {
		for talk.Reach("done", fmt.Sprintf("dropped_bytes=%d", dropped*blockBytes)) == "collect" {
			runtime.GC()
		}
	}
}
