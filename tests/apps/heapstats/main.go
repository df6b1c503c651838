// SPDX-License-Identifier: Apache-2.0

// Heapstats has a heap with everything in it: every size class, with pointers and without, large objects, maps, strings,
// stacks of all sizes, holes, freed memory, memory given back and memory taken into use again. In each phase it rests and
// says what Go knows of its heap (internal/rest).
//
// Phases: full, holes (every k-th object of each class is gone), sparse (of some classes nearly all), dropped (large
// objects, maps and half of the stacks are gone), returned (debug.FreeOSMemory), reused (some of that is taken again).
//
// It is built with cgo, without it (a static program), and as a shared library.
package main

import (
	"runtime"
	"runtime/debug"
	"strconv"

	"gopagewatch.test/apps/internal/rest"
	"gopagewatch.test/apps/internal/talk"
)

const (
	classBytes   = 256 << 10 // of each size class, for each kind
	parked       = 300
	deepest      = 40 // levels of frames of 1 KiB and more
	mapEntries   = 20000
	stringsCount = 20000
)

// The slot sizes that go1.19 to go1.27 have (8 holds pointers only: smaller noscan objects share slots of 16).
var slots = []int{8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416,
	448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096,
	4864, 5120, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072,
	20480, 21760, 24576, 27264, 28672, 32768}

var largeSizes = []int{32769, 40000, 65536, 100000, 300000, 1 << 20, 1<<20 + 1, 5 << 20}

type heap struct {
	plain    [][][]byte
	pointers [][][]*byte
	large    [][]byte
	byName   map[string]int
	byNumber map[int][4]int
	names    []string
	release  []chan struct{}
	ended    chan struct{}
}

func touch(block []byte) []byte {
	for at := 0; at < len(block); at += 4096 {
		block[at] = 1
	}
	return block
}

func fillClasses(h *heap) {
	target := new(byte)
	for _, slot := range slots {
		n := classBytes / slot
		var plain [][]byte
		var pointers [][]*byte
		for i := 0; i < n; i++ {
			plain = append(plain, touch(make([]byte, slot)))
			withPointers := make([]*byte, slot/8)
			withPointers[0] = target
			pointers = append(pointers, withPointers)
		}
		h.plain = append(h.plain, plain)
		h.pointers = append(h.pointers, pointers)
	}
}

func fillLarge(h *heap) {
	for i, size := range largeSizes {
		for k := 0; k < 4; k++ {
			block := make([]byte, size)
			if (i+k)%3 != 0 {
				touch(block) // the others stay as they come from the kernel
			}
			h.large = append(h.large, block)
		}
	}
}

func fillMaps(h *heap) {
	h.byName = make(map[string]int)
	h.byNumber = make(map[int][4]int)
	for i := 0; i < mapEntries; i++ {
		h.byName["entry "+strconv.Itoa(i)] = i
		h.byNumber[i*7919] = [4]int{i}
	}
	for i := 0; i < stringsCount; i++ {
		h.names = append(h.names, strconv.Itoa(i))
	}
}

//go:noinline
func park(levels int, ready chan<- struct{}, release <-chan struct{}) int {
	var frame [128]int
	frame[levels] = levels
	if levels > 0 {
		return park(levels-1, ready, release) + frame[levels]
	}
	ready <- struct{}{}
	<-release
	return frame[levels]
}

func fillStacks(h *heap) {
	ready := make(chan struct{})
	h.ended = make(chan struct{})
	for i := 0; i < parked; i++ {
		release := make(chan struct{})
		h.release = append(h.release, release)
		go func(levels int) {
			park(levels, ready, release)
			h.ended <- struct{}{}
		}(i % deepest)
		<-ready
	}
}

// Every k-th object goes, and k is another one for each class.
func (h *heap) makeHoles() {
	for class := range slots {
		k := 2 + class%7
		for i := 0; i < len(h.plain[class]); i += k {
			h.plain[class][i] = nil
			h.pointers[class][len(h.pointers[class])-1-i] = nil
		}
	}
}

func (h *heap) makeSparse() {
	for class := 0; class < len(slots); class += 3 {
		for i := range h.plain[class] {
			if i%64 != 0 {
				h.plain[class][i] = nil
				h.pointers[class][i] = nil
			}
		}
	}
}

func (h *heap) drop() {
	h.large, h.byName, h.names = nil, nil, nil
	for class := 1; class < len(slots); class += 3 {
		h.plain[class], h.pointers[class] = nil, nil
	}
	for _, release := range h.release[:parked/2] {
		close(release)
		<-h.ended
	}
	h.release = h.release[parked/2:]
}

func (h *heap) takeAgain() {
	for class := 1; class < len(slots); class += 6 {
		for i := 0; i < classBytes/slots[class]; i++ {
			h.plain[class] = append(h.plain[class], touch(make([]byte, slots[class])))
		}
	}
	h.large = append(h.large, make([]byte, 3<<20), touch(make([]byte, 2<<20)))
}

func main() {
	rest.Begin()
	h := new(heap)
	fillClasses(h)
	fillLarge(h)
	fillMaps(h)
	fillStacks(h)
	rest.Reach("full", "")
	h.makeHoles()
	rest.Reach("holes", "")
	h.makeSparse()
	rest.Reach("sparse", "")
	h.drop()
	rest.Reach("dropped", "")
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	rest.Reach("returned", "")
	h.takeAgain()
	rest.Stay("reused", "")
	if len(h.byNumber) != mapEntries {
		talk.Fail("heapstats: a map has changed")
	}
	runtime.KeepAlive(h)
	talk.Say("done")
}
