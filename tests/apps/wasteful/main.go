// SPDX-License-Identifier: Apache-2.0

// Wasteful wastes memory in one way, named by its argument, and rests in the phase of that name:
//
//	none       16 MiB of objects, all of them in use
//	free       64 MiB that are free but were not given back
//	sparse     128-byte objects of which every 64th is kept: one on each 8 KiB page
//	untouched  64 MiB that are in use but were never written
//	lazyfree   64 MiB given back (lazily, when GODEBUG=madvdontneed=0)
//
// "waste=BYTES" in the line of truth is what it wastes.
package main

import "C" // nothing is called: the program only has to be one with libc in it

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"gopagewatch.test/apps/internal/rest"
	"gopagewatch.test/apps/internal/talk"
)

const (
	wasteBytes = 64 << 20
	blockBytes = 64 << 10
	smallBytes = 128
	keepEvery  = 64
)

func touched(count int, bytes int) [][]byte {
	blocks := make([][]byte, count)
	for i := range blocks {
		blocks[i] = make([]byte, bytes)
		for at := 0; at < bytes; at += 4096 {
			blocks[i][at] = 1
		}
	}
	return blocks
}

func main() {
	kind := "none"
	if len(os.Args) > 1 {
		kind = os.Args[1]
	}
	rest.Begin()
	kept := touched(16<<20/smallBytes, smallBytes)
	var alsoKept [][]byte
	waste := 0
	switch kind {
	case "none":
	case "free":
		waste = wasteBytes
		touched(wasteBytes/blockBytes, blockBytes)
	case "sparse":
		waste = wasteBytes
		blocks := touched(wasteBytes/smallBytes, smallBytes)
		alsoKept = make([][]byte, 0, len(blocks)/keepEvery)
		for i := 0; i < len(blocks); i += keepEvery {
			alsoKept = append(alsoKept, blocks[i])
		}
		blocks = nil
		debug.FreeOSMemory() // the table of the blocks shall not be waste of another kind
	case "untouched":
		waste = wasteBytes
		alsoKept = [][]byte{make([]byte, wasteBytes)}
	case "lazyfree":
		waste = wasteBytes
		touched(wasteBytes/blockBytes, blockBytes)
		debug.FreeOSMemory()
		debug.FreeOSMemory()
	default:
		talk.Fail("wasteful: no such kind: %s", kind)
	}
	rest.Reach(kind, " waste="+strconv.Itoa(waste))
	runtime.KeepAlive(kept)
	runtime.KeepAlive(alsoKept)
}
