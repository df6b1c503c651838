// SPDX-License-Identifier: Apache-2.0

// Reinflate gives 256 MiB of heap back, which then becomes resident again without Go's doing anything.
//
// Phases: full, returned, inflated. With -by collapse (the default) all of it is given back, and C has the kernel put huge
// pages over a half: "collapsed=BYTES errno=N" in the line of truth. With -by khugepaged a block in each 2 MiB is kept, so
// that the kernel's own thread can do it, if it is let: there is no phase inflated then.
package main

import (
	"flag"
	"runtime"
	"runtime/debug"
	"strconv"
	"unsafe"

	"gopagewatch.test/apps/internal/hugepages"
	"gopagewatch.test/apps/internal/rest"
)

const (
	heapBytes  = 256 << 20
	hugeBytes  = 2 << 20
	blockBytes = 64 << 10
)

func touch(block []byte) []byte {
	for at := 0; at < len(block); at += 4096 {
		block[at] = 1
	}
	return block
}

func collapse() {
	block := touch(make([]byte, heapBytes))
	start := uintptr(unsafe.Pointer(&block[0]))
	rest.Reach("full", "")
	runtime.KeepAlive(block)
	block = nil
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	rest.Reach("returned", "")
	start = (start + hugeBytes - 1) &^ (hugeBytes - 1)
	errno := hugepages.Collapse(start, heapBytes/2)
	rest.Stay("inflated", " collapsed="+strconv.Itoa(heapBytes/2)+" errno="+strconv.Itoa(errno))
}

func keepSome() {
	blocks := make([][]byte, heapBytes/blockBytes)
	for i := range blocks {
		blocks[i] = touch(make([]byte, blockBytes))
	}
	rest.Reach("full", "")
	for i := range blocks {
		if i%(hugeBytes/blockBytes) != 0 {
			blocks[i] = nil
		}
	}
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	rest.Reach("returned", "")
	runtime.KeepAlive(blocks)
}

func main() {
	by := flag.String("by", "collapse", "who fills the memory again: collapse, khugepaged")
	flag.Parse()
	rest.Begin()
	if *by == "khugepaged" {
		keepSome()
	} else {
		collapse()
	}
}
