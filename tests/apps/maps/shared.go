// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"unsafe"

	"gopagewatch.test/apps/internal/rest"
)

// Maps whose entries share what they point to, and maps of large values. What is true of them is known beforehand: see
// tests/e2e/maps_shared.c, which has the same numbers.

const (
	sharedEntries = 1000
	fieldBytes    = 20 // in a buffer of them all, each with a comma behind
	blockItems    = 4096
	blocks        = 2
	rowStrings    = 6000 // more than 64 KiB
	padBytes      = 120
)

type item struct{ bytes [32]byte }

type row [rowStrings]string

type record struct {
	value interface{}
	pad   [padBytes]byte
}

var (
	SInterned map[int64]string // one string of 8 bytes that is in the heap
	SSame     map[string]string
	SSplit    map[string]int64
	SLiterals map[int64]string
	SBlocks   map[int64]*[blockItems]*item
	SRows     map[int64]row
	SRecords  map[int64]record
)

// In the heap, and in a block of its own.
func heapString(bytes int) string {
	made := make([]byte, bytes)
	for i := range made {
		made[i] = byte('a' + i%16)
	}
	return *(*string)(unsafe.Pointer(&made))
}

func shared() {
	SInterned, SSame, SSplit = map[int64]string{}, map[string]string{}, map[string]int64{}
	SLiterals, SBlocks, SRows, SRecords = map[int64]string{}, map[int64]*[blockItems]*item{}, map[int64]row{}, map[int64]record{}
	rest.Begin()
	one := heapString(8)
	SSame[one] = one
	buffer := new(strings.Builder)
	for i := 0; i < sharedEntries; i++ {
		SInterned[int64(i)] = one
		SLiterals[int64(i)] = static(i)
		buffer.WriteString(digits(i, fieldBytes))
		buffer.WriteByte(',')
	}
	for i, field := range strings.Split(strings.TrimSuffix(buffer.String(), ","), ",") {
		SSplit[field] = int64(i)
	}
	for b := 0; b < blocks; b++ {
		block := new([blockItems]*item)
		for i := range block {
			block[i] = new(item)
		}
		SBlocks[int64(b)] = block
	}
	var strings row
	for i := range strings {
		strings[i] = heapString(24)
	}
	SRows[0] = strings
	SRecords[0] = record{value: heapString(100)}
	heapBytes()
	rest.Reach("shared", "")
}
