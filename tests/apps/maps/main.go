// SPDX-License-Identifier: Apache-2.0

// Maps builds maps of known shape in package variables and says what is true of them: what Go counts, what the runtime's
// own structs say (read here, by the sources of each Go version: buckets.go, swiss.go), and where each of their objects
// is.
//
//	maps DIRECTORY PHASE...
//
// For each phase it says "phase PHASE maps=N", then N lines "map variable=main.X ...", and rests in the phase
// (internal/rest) until it may go on. DIRECTORY/main.X holds the objects of a map: base, bytes of the slot, bytes asked
// for, part; each a word of 64 bits. An object comes as often as something points to it. At the end it says
// "phase end maps=0".
//
//	maps DIRECTORY writers        four goroutines change four maps all the time (writers.go)
//	maps DIRECTORY shared         maps that share what they hold (shared.go)
//	maps DIRECTORY latency N      one map of N entries, and how long writes to it take (latency.go)
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

type point struct{ a, b int64 }

type pair struct {
	number int32
	name   string
}

type large [200]byte

var (
	MStringString  map[string]string
	MStringInt64   map[string]int64
	MStringEmpty   map[string]struct{}
	MStringBytes   map[string][]byte
	MStringBool    map[string]bool
	MStringAny     map[string]interface{}
	MStringLarge   map[string]large
	MStringStatic  map[string]string
	MLongString    map[string]string
	MTinyTiny      map[string]string
	MInt64Int64    map[int64]int64
	MInt64String   map[int64]string
	MInt64Pointer  map[int64]*point
	MInt64Bool     map[int64]bool
	MInt32Int32    map[int32]int32
	MArrayInt64    map[[16]byte]int64
	MArrayString   map[[16]byte]string
	MPairInt64     map[pair]int64
	MPointerString map[*point]string
	MAnyInt64      map[interface{}]int64
	MLargeInt64    map[large]int64
	MLargeLarge    map[large]large
	MNested        map[string]map[int]int
)

// server is a way to a map: a field, a pointer, an element.
type server struct {
	name   string
	cache  map[string]int64
	shards []map[string]int64
	next   *server
}

var (
	Server server
	Shards [4]map[string]int64
)

var statics = [4]string{"spring, a season", "summer, a season", "autumn, a season", "winter, a season"}

var subjects = []subject{
	&column[string, string]{variable: "MStringString", at: &MStringString, key: shortString, element: shortString, keyRefs: stringRefs, elementRefs: stringRefs},
	&column[string, int64]{variable: "MStringInt64", at: &MStringInt64, key: shortString, element: number, keyRefs: stringRefs},
	&column[string, struct{}]{variable: "MStringEmpty", at: &MStringEmpty, key: shortString, element: nothing, keyRefs: stringRefs},
	&column[string, []byte]{variable: "MStringBytes", at: &MStringBytes, key: shortString, element: someBytes, keyRefs: stringRefs, elementRefs: bytesRefs},
	&column[string, bool]{variable: "MStringBool", at: &MStringBool, key: shortString, element: truth, keyRefs: stringRefs},
	&column[string, interface{}]{variable: "MStringAny", at: &MStringAny, key: shortString, element: anything, keyRefs: stringRefs, elementRefs: anyRefs},
	&column[string, large]{variable: "MStringLarge", at: &MStringLarge, key: shortString, element: block, keyRefs: stringRefs},
	&column[string, string]{variable: "MStringStatic", at: &MStringStatic, key: shortString, element: static, keyRefs: stringRefs},
	&column[string, string]{variable: "MLongString", at: &MLongString, key: longString, element: longString, keyRefs: stringRefs, elementRefs: stringRefs},
	&column[string, string]{variable: "MTinyTiny", at: &MTinyTiny, key: tinyString, element: tinyString, keyRefs: stringRefs, elementRefs: stringRefs},
	&column[int64, int64]{variable: "MInt64Int64", at: &MInt64Int64, key: number, element: number},
	&column[int64, string]{variable: "MInt64String", at: &MInt64String, key: number, element: shortString, elementRefs: stringRefs},
	&column[int64, *point]{variable: "MInt64Pointer", at: &MInt64Pointer, key: number, element: newPoint, elementRefs: pointRefs},
	&column[int64, bool]{variable: "MInt64Bool", at: &MInt64Bool, key: number, element: truth},
	&column[int32, int32]{variable: "MInt32Int32", at: &MInt32Int32, key: halfNumber, element: halfNumber},
	&column[[16]byte, int64]{variable: "MArrayInt64", at: &MArrayInt64, key: array, element: number},
	&column[[16]byte, string]{variable: "MArrayString", at: &MArrayString, key: array, element: shortString, elementRefs: stringRefs},
	&column[pair, int64]{variable: "MPairInt64", at: &MPairInt64, key: newPair, element: number, keyRefs: pairRefs},
	&column[*point, string]{variable: "MPointerString", at: &MPointerString, key: newPoint, element: shortString, keyRefs: pointRefs, elementRefs: stringRefs},
	&anyColumn{},
	&column[large, int64]{variable: "MLargeInt64", at: &MLargeInt64, key: block, element: number},
	&column[large, large]{variable: "MLargeLarge", at: &MLargeLarge, key: block, element: block},
	&column[string, map[int]int]{variable: "MNested", at: &MNested, key: shortString, element: innerMap, keyRefs: stringRefs, elementRefs: innerRefs, isDeep: true},
}

// lead has all ways end at one map.
func lead() {
	Server.cache, Shards[3] = MStringInt64, MStringInt64
	Server.shards = Shards[:]
	Server.next = &Server
}

var memory runtime.MemStats

// What is alive. Collections come here only.
func heapBytes() uint64 {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&memory)
	return memory.HeapAlloc
}

// Builds the map and says what it is.
func tell(directory string, s subject, build func(subject)) {
	debug.SetGCPercent(-1)
	s.drop()
	before := heapBytes()
	build(s)
	after := heapBytes()
	f := s.read(directory)
	talk.Say("map variable=main.%s type=%s deep=%d address=%#x entries=%d capacity=%d tombstones=%d buckets=%d "+
		"old_buckets=%d evacuated_buckets=%d overflow_buckets=%d tables=%d directory_slots=%d key_bytes=%d "+
		"element_bytes=%d heap_bytes=%d", s.name(), s.typeName(), s.deep(), f.address, f.entries, f.capacity,
		f.tombstones, f.buckets, f.oldBuckets, f.evacuatedBuckets, f.overflowBuckets, f.tables, f.directorySlots,
		f.keyBytes, f.elementBytes, int64(after-before))
}

func named(names ...string) []subject {
	var found []subject
	for _, s := range subjects {
		for _, name := range names {
			if s.name() == name {
				found = append(found, s)
			}
		}
	}
	return found
}

// A phase is a number of entries or a word.
func shapeOf(phase string) (built []subject, build func(subject)) {
	built = subjects
	switch phase {
	case "nil":
		build = func(s subject) {}
	case "hint":
		build = func(s subject) { s.make(1000) }
	case "hinted":
		build = func(s subject) { s.make(1000); s.insert(0, 10) }
	case "half":
		build = func(s subject) { s.make(0); s.insert(0, 1000); s.deleteHalf() }
	case "deleted":
		build = func(s subject) { s.make(0); s.insert(0, 1000); s.deleteAll() }
	case "cleared":
		build = func(s subject) { s.make(0); s.insert(0, 1000); s.clear() }
	case "refilled":
		build = func(s subject) { s.make(0); s.insert(0, 1000); s.deleteHalf(); s.insert(1000, 1100) }
	case "paths":
		built, build = named("MStringInt64"), func(s subject) { s.make(0); s.insert(0, 100); lead() }
	case "growing":
		build = grow
	case "same_size":
		built, build = named("MInt64Int64", "MStringInt64"), func(s subject) { crowd(s, true) }
	case "overflow":
		built, build = named("MInt64Int64", "MStringInt64", "MStringLarge"), func(s subject) { crowd(s, false) }
	case "million":
		built = named("MStringString", "MInt64Int64", "MInt64Pointer", "MArrayInt64")
		build = func(s subject) { s.make(0); s.insert(0, 1000000) }
	case "hint_million":
		built = named("MStringString", "MInt64Int64")
		build = func(s subject) { s.make(1000000); s.insert(0, 100) }
	default:
		n, err := strconv.Atoi(phase)
		if err != nil {
			talk.Fail("maps: no such phase: %s", phase)
		}
		build = func(s subject) { s.make(0); s.insert(0, n) }
	}
	return
}

func main() {
	if len(os.Args) < 3 {
		talk.Fail("usage: maps DIRECTORY PHASE...")
	}
	directory := os.Args[1]
	switch os.Args[2] {
	case "writers":
		writers()
		return
	case "shared":
		shared()
		return
	case "latency":
		latency(os.Args[3])
		return
	}
	rest.StartThreads()
	// One P has one tiny allocator.
	runtime.GOMAXPROCS(1)
	rest.Begin()
	heapBytes()
	for _, phase := range os.Args[2:] {
		built, build := shapeOf(phase)
		for _, s := range subjects {
			s.drop()
		}
		talk.Say("phase %s maps=%d", phase, len(built))
		for _, s := range built {
			tell(directory, s, build)
		}
		rest.Reach(phase, "")
	}
	talk.Say("phase end maps=0")
}
