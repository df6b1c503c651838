// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"reflect"
	"unsafe"
)

// row takes more than 512 bytes three times: of an array with pointers the heap knows the type of the elements.
type row struct {
	next *row
	rest [192]byte
}

const (
	rowsCount   = 3
	listLength  = 100000
	smallWords  = 40 // 320 bytes
	tinyBytes   = 5
	madeFields  = 100 // 800 bytes
	oddLargeLen = 100001
)

var (
	rows     []row
	list     []*node
	pointers *[listLength]*node
	small    *[smallWords]*node
	tiny     *[tinyBytes]byte
	oddLarge []byte
	made     reflect.Value
)

// objects makes one of each way in which the heap keeps a type, or does not.
func objects() string {
	rows = make([]row, rowsCount)
	list = make([]*node, listLength)
	pointers = new([listLength]*node)
	small = new([smallWords]*node)
	tiny = new([tinyBytes]byte)
	oddLarge = make([]byte, oddLargeLen)
	fields := make([]reflect.StructField, madeFields)
	for i := range fields {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeOf(small)}
	}
	made = reflect.New(reflect.StructOf(fields))
	return fmt.Sprintf(" rows=%#x list=%#x pointers=%#x small=%#x tiny=%#x odd_large=%#x made=%#x node_type=%#x",
		uintptr(unsafe.Pointer(&rows[1])), uintptr(unsafe.Pointer(&list[7])), uintptr(unsafe.Pointer(pointers)),
		uintptr(unsafe.Pointer(small)), uintptr(unsafe.Pointer(tiny)), addressOf(oddLarge), made.Pointer(),
		reflect.ValueOf(reflect.TypeOf(node{})).Pointer())
}
