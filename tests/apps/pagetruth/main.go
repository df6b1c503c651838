// SPDX-License-Identifier: Apache-2.0

// Pagetruth holds one of everything that an address can be, and says where each is.
//
// Phases: held (after a collection: small objects with and without pointers, a dead one, a large one of which one page
// was touched, a stack, free and released pages, C's memory, a global), fresh (one more object, allocated since).
package main

/*
#cgo CFLAGS: -std=gnu17 -D_GNU_SOURCE -Wall
#include "c_blocks.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"unsafe"

	"gopagewatch.test/apps/internal/rest"
)

const (
	slots     = 64
	slotBytes = 1792 // a size class that hardly anybody else uses
	large     = 64 << 20
	returned  = 32 << 20
	freed     = 2 << 20
)

type node struct {
	next *node
	rest [slotBytes - 8]byte
}

type leaf [slotBytes]byte

var (
	global [8192]byte
	nodes  [slots]*node
	leaves [slots]*leaf
	fresh  *leaf
)

func addressOf(block []byte) uintptr {
	return uintptr(unsafe.Pointer(&block[0]))
}

func fill(block []byte) []byte {
	for at := 0; at < len(block); at += 4096 {
		block[at] = 1
	}
	return block
}

func main() {
	rest.Begin()
	global[4096] = 1
	for i := range nodes {
		nodes[i] = new(node)
		nodes[i].rest[i] = 1
		leaves[i] = new(leaf)
		leaves[i][0] = 1
	}
	// On a stack of its own: this one would grow, and be moved when a collection shrinks it again.
	words := make(chan string)
	go func() { words <- objects() }()
	of := <-words
	// Every other one is dropped.
	dead := uintptr(unsafe.Pointer(leaves[slots/2]))
	for i := 0; i < slots; i += 2 {
		leaves[i] = nil
	}

	big := make([]byte, large)
	big[large/2] = 1
	given := fill(make([]byte, returned))
	kept := fill(make([]byte, freed))
	givenAt, keptAt := addressOf(given), addressOf(kept)
	given[0], kept[0] = 2, 2
	given = nil
	debug.FreeOSMemory()
	// The scavenger keeps a tenth more than what was in use, times the ratio of the last two goals: that has to be an
	// ordinary one when the block is freed.
	debug.SetGCPercent(100)
	runtime.GC()
	runtime.GC()
	runtime.KeepAlive(kept)
	kept = nil

	var local [64]byte
	local[1] = 1
	all := fmt.Sprintf(" node=%#x leaf=%#x dead=%#x slot_bytes=%d big=%#x big_bytes=%d touched=%#x given=%#x "+
		"kept=%#x stack=%#x global=%#x malloc=%#x mapped=%#x no_access=%#x zero=%#x",
		uintptr(unsafe.Pointer(nodes[1]))+100, uintptr(unsafe.Pointer(leaves[slots/2+1])), dead, slotBytes, addressOf(big),
		large, addressOf(big)+large/2, givenAt+returned/2, keptAt+freed/2, uintptr(unsafe.Pointer(&local[1])),
		uintptr(unsafe.Pointer(&global[4096])), uintptr(C.c_blocks_small()), uintptr(C.c_blocks_mapped()),
		uintptr(C.c_blocks_no_access()), uintptr(C.c_blocks_zero()))
	rest.Reach("held", all+of)

	fresh = new(leaf)
	rest.Stay("fresh", fmt.Sprintf(" fresh=%#x", uintptr(unsafe.Pointer(fresh))))
	runtime.KeepAlive(big)
	objects()
}
