// SPDX-License-Identifier: Apache-2.0

// Mapdemo is the main job: a Go program with cgo that fills a map[string]string, holds C memory of every kind beside it,
// drops the map, and asks for its memory to be given back.
//
// Phases: full, dropped (map gone and collected, a half of the small C blocks freed), returned (debug.FreeOSMemory).
package main

/*
#cgo CFLAGS: -std=gnu17 -D_GNU_SOURCE -Wall
#cgo LDFLAGS: -pthread
#include "c_memory.h"
*/
import "C"

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"gopagewatch.test/apps/internal/talk"
)

const (
	mebibyte   = 1 << 20
	valueBytes = 480
	// A value, its key and its share of the map's own memory.
	entryBytes = 580
)

func init() {
	runtime.LockOSThread() // so that the main goroutine's malloc is the main arena, on the brk heap
}

func fill(bytes int) map[string]string {
	filled := make(map[string]string)
	value := make([]byte, valueBytes)
	for i := 0; i < bytes/entryBytes; i++ {
		for j := 0; j < 8; j++ {
			value[j*60] = byte(i >> uint(j))
		}
		filled[fmt.Sprintf("key-%010d", i)] = string(value)
	}
	return filled
}

// Every thread is there before the first one allocates, and stays: so each has a malloc arena of its own.
func fillArenas(threads, bytes int) {
	var filled sync.WaitGroup
	filled.Add(threads)
	C.c_memory_expect(C.uint(threads))
	for i := 0; i < threads; i++ {
		go func(thread int) {
			runtime.LockOSThread()
			C.c_memory_fill_arena(C.uint(thread), C.size_t(bytes))
			filled.Done()
			select {}
		}(i + 1)
	}
	filled.Wait()
}

func cTruth() []string {
	t := C.c_memory_truth()
	return []string{
		fmt.Sprintf("c_small_used=%d c_small_freed=%d", uint64(t.small_used_bytes), uint64(t.small_freed_bytes)),
		fmt.Sprintf("c_big=%d c_mmap=%d", uint64(t.big_bytes), uint64(t.mapped_bytes)),
		fmt.Sprintf("malloc_used=%d malloc_free=%d", uint64(t.malloc_used_bytes), uint64(t.malloc_free_bytes)),
	}
}

func main() {
	heap := flag.Int("heap", 48, "MiB of Go heap that the map takes")
	small := flag.Int("c-small", 2, "MiB of small malloc blocks, for the main thread and for each other one")
	threads := flag.Int("c-threads", 4, "threads with a malloc arena of their own, 63 at most")
	big := flag.Int("c-big", 10, "MiB of one malloc block above the mmap threshold")
	mapped := flag.Int("c-mmap", 6, "MiB of one anonymous mmap made from C")
	flag.Parse()

	C.c_memory_fill_arena(0, C.size_t(*small*mebibyte))
	fillArenas(*threads, *small*mebibyte)
	if C.c_memory_fill_big(C.size_t(*big*mebibyte)) != 0 || C.c_memory_fill_mmap(C.size_t(*mapped*mebibyte)) != 0 {
		talk.Fail("mapdemo: no memory for C")
	}

	filled := fill(*heap * mebibyte)
	entries := len(filled)
	runtime.GC()
	talk.Reach("full", append(cTruth(), fmt.Sprintf("entries=%d", entries))...)
	if len(filled) != entries || entries > 0 && len(filled["key-0000000000"]) != valueBytes {
		talk.Fail("mapdemo: the map has changed")
	}

	filled = nil
	runtime.GC()
	C.c_memory_free_half()
	talk.Reach("dropped", cTruth()...)

	debug.FreeOSMemory()
	debug.FreeOSMemory()
	talk.Reach("returned", cTruth()...)

	if C.c_memory_is_intact() == 0 {
		talk.Fail("mapdemo: the C memory has changed")
	}
	talk.Say("done")
}
