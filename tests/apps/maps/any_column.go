// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"
	"unsafe"
)

// anyColumn is MAnyInt64: up to go1.19 no type parameter may stand for interface{} as a key.
type anyColumn struct{}

func (anyColumn) name() string     { return "MAnyInt64" }
func (anyColumn) typeName() string { return typeName(MAnyInt64) }
func (anyColumn) deep() int        { return 0 }
func (anyColumn) drop()            { MAnyInt64 = nil }

func (anyColumn) make(hint int) {
	if hint == 0 {
		MAnyInt64 = make(map[interface{}]int64)
	} else {
		MAnyInt64 = make(map[interface{}]int64, hint)
	}
}

func (anyColumn) insert(from, to int) {
	for i := from; i < to; i++ {
		MAnyInt64[anything(i)] = number(i)
	}
}

func (anyColumn) deleteHalf() {
	n := 0
	for key := range MAnyInt64 {
		if n%2 == 0 {
			delete(MAnyInt64, key)
		}
		n++
	}
}

func (anyColumn) deleteAll() {
	n := 0
	for key := range MAnyInt64 {
		delete(MAnyInt64, key)
		n++
	}
	_ = n
}

func (c anyColumn) clear() {
	for key := range MAnyInt64 {
		delete(MAnyInt64, key)
	}
}

func (anyColumn) with(keyRefs func(*interface{}, int, *lister), objects *lister) facts {
	has := func(key *interface{}) bool { _, is := MAnyInt64[*key]; return is }
	header := *(*unsafe.Pointer)(unsafe.Pointer(&MAnyInt64))
	return readHeader[interface{}, int64](header, reflect.TypeOf(MAnyInt64), len(MAnyInt64), has, keyRefs, nil, objects)
}

func (c anyColumn) facts() facts { return c.with(nil, nil) }

func (c anyColumn) read(directory string) facts {
	objects := openLister(directory, c.name())
	defer objects.close()
	return c.with(anyRefs, objects)
}
