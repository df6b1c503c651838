// SPDX-License-Identifier: Apache-2.0

//go:build goexperiment.arenas

// Userarenas allocates from the arenas of GOEXPERIMENT=arenas, beside the ordinary heap, and frees a part of them.
//
// Phases: full, freed, again (some are taken anew).
package main

import "C" // nothing is called: the program only has to be one with libc in it

import (
	"arena"
	"runtime"

	"gopagewatch.test/apps/internal/rest"
	"gopagewatch.test/apps/internal/talk"
)

const (
	arenas  = 6
	records = 100000 // of 128 bytes: about a chunk and a half
)

type record struct {
	next    *record
	payload [15]uint64
}

type list struct {
	memory *arena.Arena
	first  *record
}

func fill() list {
	l := list{memory: arena.NewArena()}
	for i := 0; i < records; i++ {
		r := arena.New[record](l.memory)
		r.next, r.payload[0] = l.first, uint64(i)
		l.first = r
	}
	return l
}

func (l list) check() {
	n := 0
	for r := l.first; r != nil; r = r.next {
		n++
	}
	if n != records {
		talk.Fail("userarenas: %d records, not %d", n, records)
	}
}

func main() {
	rest.Begin()
	var lists [arenas]list
	ordinary := make([]*record, records)
	for i := range ordinary {
		ordinary[i] = new(record)
	}
	for i := range lists {
		lists[i] = fill()
	}
	rest.Reach("full", "")
	for i := 0; i < arenas; i += 2 {
		lists[i].memory.Free()
		lists[i] = list{}
	}
	rest.Reach("freed", "")
	lists[0] = fill()
	rest.Reach("again", "")
	for i := 1; i < arenas; i += 2 {
		lists[i].check()
	}
	lists[0].check()
	runtime.KeepAlive(ordinary)
}
