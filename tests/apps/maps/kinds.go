// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strconv"
	"unsafe"
)

// Keys and elements by number. What they point to is theirs alone, but for static().

const (
	shortBytes = 10
	longBytes  = 100
	tinyLength = 5
	innerCount = 20
)

var scratch [longBytes]byte

// The number is at the end.
func digits(i, bytes int) string {
	for k := bytes - 1; k >= 0; k-- {
		scratch[k] = byte('0' + i%10)
		i /= 10
	}
	return string(scratch[:bytes])
}

func shortString(i int) string { return digits(i, shortBytes) }
func longString(i int) string  { return digits(i, longBytes) }
func tinyString(i int) string  { return digits(i, tinyLength) }
func static(i int) string      { return statics[i%len(statics)] }
func number(i int) int64       { return int64(i) * 7919 }
func halfNumber(i int) int32   { return int32(i) * 31 }
func nothing(i int) struct{}   { return struct{}{} }
func truth(i int) bool         { return i%2 == 0 }
func newPoint(i int) *point    { return &point{int64(i), 1} }
func newPair(i int) pair       { return pair{int32(i % 3), shortString(i)} }

// Of several size classes; one in eight has none.
func someBytes(i int) []byte {
	if i%8 == 0 {
		return nil
	}
	return make([]byte, i%8*20-3, i%8*20)
}

func array(i int) (made [16]byte) {
	copy(made[:], strconv.Itoa(i))
	return
}

func block(i int) (made large) {
	copy(made[:], strconv.Itoa(i))
	return
}

// A string, a number in a box, one that needs no box, a pointer.
func anything(i int) interface{} {
	switch i % 4 {
	case 0:
		return shortString(i)
	case 1:
		return i + 1000
	case 2:
		return newPoint(i)
	}
	return longString(i)
}

func innerMap(i int) map[int]int {
	made := make(map[int]int)
	for k := 0; k < i%innerCount; k++ {
		made[k] = i
	}
	return made
}

// What they point to.

type stringHeader struct {
	data  unsafe.Pointer
	bytes uintptr
}

type sliceHeader struct {
	data             unsafe.Pointer
	length, capacity uintptr
}

func stringRefs(at *string, part int, objects *lister) {
	header := (*stringHeader)(unsafe.Pointer(at))
	objects.put(header.data, header.bytes, false, part)
}

func bytesRefs(at *[]byte, part int, objects *lister) {
	header := (*sliceHeader)(unsafe.Pointer(at))
	objects.put(header.data, header.capacity, false, part)
}

func pointRefs(at **point, part int, objects *lister) {
	objects.put(unsafe.Pointer(*at), unsafe.Sizeof(**at), false, part)
}

func pairRefs(at *pair, part int, objects *lister) {
	stringRefs(&at.name, part, objects)
}

// What is in the interface counts as if it was there itself.
func anyRefs(at *interface{}, part int, objects *lister) {
	word := (*[2]unsafe.Pointer)(unsafe.Pointer(at))[1]
	switch value := (*at).(type) {
	case string:
		objects.put(word, unsafe.Sizeof(value), true, part)
		stringRefs((*string)(word), part, objects)
	case int:
		objects.put(word, unsafe.Sizeof(value), false, part)
	case *point:
		pointRefs(&value, part, objects)
	}
}

// The inner map's header, and what hangs on that.
func innerRefs(at *map[int]int, part int, objects *lister) {
	objects.put(*(*unsafe.Pointer)(unsafe.Pointer(at)), mapHeaderBytes, true, part)
	objects.isInner = true
	readMap(*at, nil, nil, objects)
	objects.isInner = false
}
