// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"
)

// By the numbers of the parts in the answer.
const (
	partHeader = iota
	partTables
	partBuckets
	partOldBuckets
	partOverflow
	partKeys
	partElements
	partDeep
)

// The Go allocator, by malloc.go and its neighbours.
const (
	inSlotMax    = 128 // abi.MapMaxKeyBytes: larger keys and elements are objects of their own
	tinyBytes    = 16
	smallMax     = 32768
	headerBytes  = 8 // since go1.22, of objects with pointers above
	headerless   = 512
	objectWords  = 4
	bufferedMost = 4096
)

var minor = func() int {
	n, _ := strconv.Atoi(strings.SplitN(strings.TrimPrefix(runtime.Version(), "go1."), ".", 2)[0])
	return n
}()

// lister writes objects into a file. A nil one counts nothing.
type lister struct {
	file    *os.File
	buffer  []uint64
	isInner bool // what comes is of a map in an element
}

func openLister(directory, variable string) *lister {
	file, err := os.Create(directory + "/main." + variable)
	if err != nil {
		panic(err)
	}
	return &lister{file: file, buffer: make([]uint64, 0, objectWords*bufferedMost)}
}

func (l *lister) flush() {
	if len(l.buffer) == 0 {
		return
	}
	if _, err := l.file.Write(unsafe.Slice((*byte)(unsafe.Pointer(&l.buffer[0])), 8*len(l.buffer))); err != nil {
		panic(err)
	}
	l.buffer = l.buffer[:0]
}

func (l *lister) close() {
	l.flush()
	if err := l.file.Close(); err != nil {
		panic(err)
	}
}

var rounded [smallMax + 1]uintptr

// The slot for so many bytes without pointers.
func roundUp(bytes uintptr) uintptr {
	if bytes <= smallMax && rounded[bytes] != 0 {
		return rounded[bytes]
	}
	slot := uintptr(cap(append([]byte(nil), make([]byte, bytes)...)))
	if bytes <= smallMax {
		rounded[bytes] = slot
	}
	return slot
}

func hasHeader(bytes uintptr, scan bool) bool {
	return minor >= 22 && scan && bytes > headerless && bytes <= smallMax-headerBytes
}

// How many bytes can be used of the slot for so many.
func usable(bytes uintptr, scan bool) uintptr {
	if hasHeader(bytes, scan) {
		return roundUp(bytes+headerBytes) - headerBytes
	}
	return roundUp(bytes)
}

// put lists an object that was asked for with so many bytes; `scan`: with pointers in it.
func (l *lister) put(at unsafe.Pointer, bytes uintptr, scan bool, part int) {
	if l == nil || at == nil || bytes == 0 {
		return
	}
	if l.isInner {
		part = partDeep
	}
	base, slot := uintptr(at), uintptr(0)
	switch {
	case !scan && bytes < tinyBytes:
		base, slot = base&^(tinyBytes-1), tinyBytes
	case hasHeader(bytes, scan):
		base, slot = base-headerBytes, roundUp(bytes+headerBytes)
	default:
		slot = roundUp(bytes)
	}
	l.buffer = append(l.buffer, uint64(base), uint64(slot), uint64(bytes), uint64(part))
	if len(l.buffer) == cap(l.buffer) {
		l.flush()
	}
}
