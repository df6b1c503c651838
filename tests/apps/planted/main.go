// SPDX-License-Identifier: Apache-2.0

// Planted is a program for a gate: some memory of every kind, and on top of it what its argument plants.
//
//	none        nothing
//	objects     8 MiB more of live objects
//	sparse      as many live bytes in spans of which three quarters are unused
//	cheap       8 MiB more from malloc
//	stacks      8 threads more with 1 MiB of stack each
//	reinflated  24 MiB that were given back and are resident again, by huge pages
//	touched     32 MiB that were allocated and never written are written: HeapInuse stays, the RSS does not
//	leak        a hundredth more of live objects from dump to dump
//
// It makes a dump "done" and ends; of leak twelve, "step". Status 77: the kernel cannot do it.
package main

/*
#cgo CFLAGS: -std=gnu17 -D_GNU_SOURCE -Wall
#include "c_planted.h"
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"unsafe"

	"gopagewatch.test/apps/gopagewatch"
	"gopagewatch.test/apps/internal/hugepages"
)

const (
	mib        = 1 << 20
	slotBytes  = 128
	osPage     = 4096
	hugeBytes  = 2 * mib
	steps      = 12
	skipStatus = 77
)

func touch(block []byte) []byte {
	for at := 0; at < len(block); at += osPage {
		block[at] = 1
	}
	return block
}

// objects fills so many bytes with small ones, and keeps every nth.
func objects(bytes int, keepEvery int) [][]byte {
	kept := make([][]byte, 0, bytes/slotBytes/keepEvery)
	for i := 0; i < bytes/slotBytes; i++ {
		block := touch(make([]byte, slotBytes))
		if i%keepEvery == 0 {
			kept = append(kept, block)
		}
	}
	return kept
}

// giveBack returns where 32 MiB of heap lay that belong to nobody now.
func giveBack() uintptr {
	block := touch(make([]byte, 32*mib))
	start := uintptr(unsafe.Pointer(&block[0]))
	runtime.KeepAlive(block)
	return start
}

func leak(kept [][]byte) [][]byte {
	hundredth := len(kept) * slotBytes / 100
	for i := 0; i < steps; i++ {
		kept = append(kept, objects(hundredth, 1)...)
		debug.FreeOSMemory()
		dump("step")
	}
	return kept
}

func dump(label string) {
	if err := gopagewatch.Dump(label); err != nil {
		fmt.Fprintln(os.Stderr, "planted:", err)
		os.Exit(1)
	}
}

func main() {
	kind := os.Args[1]
	kept := objects(32*mib, 1)
	untouched := make([]byte, 32*mib)
	C.c_planted_heap(8 * mib)
	C.c_planted_stacks(2, mib/4)
	keepEvery, bytes := 1, 8*mib
	if kind == "sparse" {
		keepEvery, bytes = 4, 32*mib
	}
	spread := objects(bytes, keepEvery)
	released := giveBack()
	debug.FreeOSMemory()
	debug.FreeOSMemory()

	switch kind {
	case "objects":
		kept = append(kept, objects(8*mib, 1)...)
		debug.FreeOSMemory()
	case "cheap":
		C.c_planted_heap(8 * mib)
	case "stacks":
		C.c_planted_stacks(8, mib)
	case "reinflated":
		released = (released + hugeBytes - 1) &^ (hugeBytes - 1)
		if errno := hugepages.Collapse(released, 24*mib); errno != 0 {
			fmt.Fprintln(os.Stderr, "planted: MADV_COLLAPSE: errno", errno)
			os.Exit(skipStatus)
		}
	case "touched":
		touch(untouched)
	case "leak":
		kept = leak(kept)
	}
	dump("done")
	runtime.KeepAlive(kept)
	runtime.KeepAlive(untouched)
	runtime.KeepAlive(spread)
}
