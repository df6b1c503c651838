// SPDX-License-Identifier: Apache-2.0

// Csharedlib is a Go runtime inside a shared library (buildmode=c-shared): a C program loads it with dlopen or is linked
// against it, and has it fill and give back a Go heap. tests/apps/chost is that program.
package main

import "C"

import (
	"runtime"
	"runtime/debug"
)

const blockBytes = 10000

var held [][]byte

//export FillHeap
func FillHeap(mebibytes int) int {
	for i := 0; i < mebibytes<<20/blockBytes; i++ {
		block := make([]byte, blockBytes)
		for at := 0; at < len(block); at += 1024 {
			block[at] = byte(i)
		}
		held = append(held, block)
	}
	runtime.GC()
	return len(held)
}

//export ReturnHeap
func ReturnHeap() {
	held = nil
	debug.FreeOSMemory()
	debug.FreeOSMemory()
}

//export HeapTruth
func HeapTruth(alloc, inuse, released, sys *uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	*alloc, *inuse, *released, *sys = m.HeapAlloc, m.HeapInuse, m.HeapReleased, m.HeapSys
}

func main() {}
