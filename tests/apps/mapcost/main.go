// SPDX-License-Identifier: Apache-2.0

// Mapcost is the map of docs/maps.md: main.Cache, a map[string]string whose keys and elements are strings of so many
// bytes, all of them different and each in memory of its own.
//
//	mapcost BYTES [COPIES]
//
// It does what each line of its input says and then says "truth COMMAND heap_bytes=N ...": what is alive after two
// collections, less what was alive at the start, for one of COPIES equal maps. Of small maps there have to be many,
// because the runtime moves HeapAlloc by some bytes of its own.
//
//	grow N       N entries, inserted one by one
//	delete       each entry by itself
//	clear        all at once
//	remake       into a map made new for what is in it
//	drop         no map any more
//	return       debug.FreeOSMemory
package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"gopagewatch.test/apps/internal/rest"
	"gopagewatch.test/apps/internal/talk"
)

// Cache is what gopagewatch looks at.
var Cache map[string]string

var (
	others []map[string]string // the copies, without Cache
	buffer []byte
	memory runtime.MemStats
	start  uint64
)

// text is a new string for the i-th key or element. Nothing else is allocated: what lay between the strings and was
// garbage would spread them over more pages.
func text(kind byte, i int) string {
	b := buffer
	for at := range b {
		b[at] = '.'
	}
	b[0] = kind
	for at := len(b) - 1; at > 0 && i > 0; at-- {
		b[at] = byte('0' + i%10)
		i /= 10
	}
	return string(b)
}

func each(do func(m *map[string]string)) {
	do(&Cache)
	for i := range others {
		do(&others[i])
	}
}

func grow(entries int) {
	each(func(m *map[string]string) {
		if *m == nil {
			*m = make(map[string]string)
		}
		for i := len(*m); i < entries; i++ {
			(*m)[text('k', i)] = text('e', i)
		}
	})
}

// More in the loop than the deletion: or the compiler makes it a clear.
func deleteEach() {
	each(func(m *map[string]string) {
		n := 0
		for key := range *m {
			delete(*m, key)
			n++
		}
		_ = n
	})
}

func clearAll() {
	each(func(m *map[string]string) {
		for key := range *m {
			delete(*m, key)
		}
	})
}

func remake() {
	each(func(m *map[string]string) {
		made := make(map[string]string, len(*m))
		for key, element := range *m {
			made[key] = element
		}
		*m = made
	})
}

func do(command string) {
	words := strings.Fields(command)
	switch {
	case len(words) == 2 && words[0] == "grow":
		grow(number(words[1]))
	case command == "delete":
		deleteEach()
	case command == "clear":
		clearAll()
	case command == "remake":
		remake()
	case command == "drop":
		each(func(m *map[string]string) { *m = nil })
	case command == "return":
		debug.FreeOSMemory()
	default:
		talk.Fail("mapcost: no such command: %s", command)
	}
}

func number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 {
		talk.Fail("mapcost: not a number: %s", word)
	}
	return n
}

// What is alive.
func heapBytes() uint64 {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&memory)
	return memory.HeapAlloc
}

func tell(command string, copies int) {
	talk.Say("truth %s heap_bytes=%d entries=%d version=%s", command, int64(heapBytes()-start)/int64(copies), len(Cache),
		runtime.Version())
}

func main() {
	if len(os.Args) < 2 {
		talk.Fail("usage: mapcost BYTES [COPIES]")
	}
	buffer = make([]byte, number(os.Args[1]))
	copies := 1
	if len(os.Args) > 2 {
		copies = number(os.Args[2])
	}
	others = make([]map[string]string, copies-1)
	// What Go allocates for itself when things are done for the first time is there before the first count.
	rest.StartThreads()
	debug.FreeOSMemory()
	tell("start", 1)
	start = heapBytes()
	for {
		command := talk.Command()
		do(command)
		tell(strings.Fields(command)[0], copies)
	}
}
