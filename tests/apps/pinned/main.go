// SPDX-License-Identifier: Apache-2.0

// Pinned keeps a heap profile and one 64-byte object in each of ten thousand spans, and rests in the phase "pinned". Its
// argument is MemProfileRate, 1 when it has none.
//
// Besides, in spans of other sizes: dense() keeps whole spans of objects, and left() and right() share theirs.
//
// The line of truth has for each of these, and for all objects in the profile together ("all"), what runtime.MemProfile
// says is in use: NAME_objects, NAME_bytes, and NAME_pcs, the stack.
package main

import "C" // nothing is called: the program only has to be one with libc in it

import (
	"os"
	"reflect"
	"runtime"
	"runtime/metrics"
	"strconv"
	"unsafe"

	"gopagewatch.test/apps/internal/rest"
)

const (
	spans        = 10000
	slotsOfSpan  = 128
	pageBytes    = 8192
	denseObjects = 8192
	pairs        = 4096
)

type small [64]byte
type middle [128]byte
type wide [256]byte

var (
	lone    [spans]*small
	crowd   [denseObjects]*middle
	lefts   [pairs]*wide
	rights  [pairs]*wide
	records [4096]runtime.MemProfileRecord
	words   [8192]byte
	names   = [4]string{"sparse", "dense", "left", "right"}
	stacks  [4][32]uintptr
	most    [4]int64
)

//go:noinline
func allocate() *small {
	object := new(small)
	object[0] = 1
	return object
}

// On its way it fills the spans, so that nobody else's object comes into them.
//
//go:noinline
func sparse() {
	kept := 0
	for last := uintptr(0); kept < spans; {
		object := allocate()
		if page := uintptr(unsafe.Pointer(object)) / pageBytes; page != last {
			last = page
			lone[kept] = object
			kept++
		}
	}
	for i := 0; i < slotsOfSpan; i++ {
		allocate() // the last span is full as well
	}
}

//go:noinline
func dense() {
	for i := range crowd {
		crowd[i] = new(middle)
		crowd[i][0] = 1
	}
}

//go:noinline
func left(i int) {
	lefts[i] = new(wide)
	lefts[i][0] = 1
}

//go:noinline
func right(i int) {
	rights[i] = new(wide)
	rights[i][1] = 1
}

// learn finds the stacks that passed through the functions. It allocates.
func learn(entries *[4]uintptr) {
	count, _ := runtime.MemProfile(records[:], true)
	for i := 0; i < count; i++ {
		for _, pc := range records[i].Stack() {
			function := runtime.FuncForPC(pc - 1)
			for k, entry := range entries {
				if function != nil && function.Entry() == entry && records[i].AllocObjects > most[k] {
					stacks[k], most[k] = records[i].Stack0, records[i].AllocObjects
				}
			}
		}
	}
}

func appendNumber(line []byte, name string, key string, value int64) []byte {
	line = append(append(append(append(line, ' '), name...), key...), '=')
	return strconv.AppendInt(line, value, 10)
}

func entryOf(function interface{}) uintptr { return reflect.ValueOf(function).Pointer() }

// describe allocates nothing.
func describe() []byte {
	var objects, bytes [4]int64
	var allObjects, allBytes int64
	count, ok := runtime.MemProfile(records[:], false)
	if !ok {
		os.Exit(3)
	}
	for i := 0; i < count; i++ {
		record := &records[i]
		allObjects += record.InUseObjects()
		allBytes += record.InUseBytes()
		for k := range stacks {
			if record.Stack0 == stacks[k] {
				objects[k] += record.InUseObjects()
				bytes[k] += record.InUseBytes()
			}
		}
	}
	line := words[:0]
	line = appendNumber(line, "all", "_objects", allObjects)
	line = appendNumber(line, "all", "_bytes", allBytes)
	for i, name := range names {
		line = appendNumber(line, name, "_objects", objects[i])
		line = appendNumber(line, name, "_bytes", bytes[i])
		line = append(append(append(line, ' '), name...), "_pcs="...)
		for k := 0; k < len(stacks[i]) && stacks[i][k] != 0; k++ {
			if k > 0 {
				line = append(line, ',')
			}
			line = strconv.AppendUint(append(line, "0x"...), uint64(stacks[i][k]), 16)
		}
	}
	return line
}

func main() {
	runtime.MemProfileRate = 1
	if len(os.Args) > 1 {
		rate, err := strconv.Atoi(os.Args[1])
		if err != nil {
			os.Exit(2)
		}
		runtime.MemProfileRate = rate
	}
	rest.Begin()
	// One P: a goroutine that is moved finds the half-filled span of another.
	runtime.GOMAXPROCS(1)
	entries := [4]uintptr{entryOf(sparse), entryOf(dense), entryOf(left), entryOf(right)}
	sparse()
	dense()
	for i := range lefts {
		left(i)
		right(i)
	}
	// What the reading of numbers allocates, it allocates the first time.
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	metrics.Read([]metrics.Sample{{Name: "/gc/heap/goal:bytes"}})
	learn(&entries)
	for i := 0; i < 4; i++ { // the last one finds what the collector itself allocates
		runtime.GC()
	}
	line := describe()
	rest.Stay("pinned", *(*string)(unsafe.Pointer(&line)))
}
