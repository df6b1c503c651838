// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"
	"strings"
	"unsafe"
)

// subject is one map variable, of whatever type.
type subject interface {
	name() string
	typeName() string
	deep() int
	drop()
	make(hint int)
	insert(from, to int)
	deleteHalf()
	deleteAll() // one by one
	clear()     // by the compiler's own pattern
	facts() facts
	read(directory string) facts
}

// facts are what the runtime's structs say of a map.
type facts struct {
	address                                        uintptr
	entries, capacity, tombstones, buckets         int
	oldBuckets, evacuatedBuckets, overflowBuckets  int
	tables, directorySlots, keyBytes, elementBytes int
	freeSlots                                      int // hmap: until the load factor is reached
	isGrowing, isSameSizeGrow                      bool
}

type column[K comparable, V any] struct {
	variable    string
	at          *map[K]V
	key         func(i int) K
	element     func(i int) V
	keyRefs     func(*K, int, *lister) // nil: nothing hangs on it
	elementRefs func(*V, int, *lister)
	isDeep      bool // one level does not reach all that hangs on it
}

func (c *column[K, V]) name() string { return c.variable }

func (c *column[K, V]) typeName() string { return typeName(*c.at) }

// In one word.
func typeName(m interface{}) string {
	return strings.Replace(reflect.TypeOf(m).String(), " ", "_", -1)
}

func (c *column[K, V]) deep() int {
	if c.isDeep {
		return 1
	}
	return 0
}

func (c *column[K, V]) drop() { *c.at = nil }

func (c *column[K, V]) make(hint int) {
	if hint == 0 {
		*c.at = make(map[K]V)
	} else {
		*c.at = make(map[K]V, hint)
	}
}

func (c *column[K, V]) insert(from, to int) {
	m := *c.at
	for i := from; i < to; i++ {
		m[c.key(i)] = c.element(i)
	}
}

func (c *column[K, V]) deleteHalf() {
	m, n := *c.at, 0
	for key := range m {
		if n%2 == 0 {
			delete(m, key)
		}
		n++
	}
}

func (c *column[K, V]) deleteAll() {
	m, n := *c.at, 0
	for key := range m {
		delete(m, key)
		n++
	}
	_ = n
}

func (c *column[K, V]) clear() {
	m := *c.at
	for key := range m {
		delete(m, key)
	}
}

// facts reads the map without listing its objects.
func (c *column[K, V]) facts() facts {
	return readMap(*c.at, nil, nil, nil)
}

func (c *column[K, V]) read(directory string) facts {
	objects := openLister(directory, c.variable)
	defer objects.close()
	return readMap(*c.at, c.keyRefs, c.elementRefs, objects)
}

func readMap[K comparable, V any](m map[K]V, keyRefs func(*K, int, *lister), elementRefs func(*V, int, *lister), objects *lister) facts {
	has := func(key *K) bool { _, is := m[*key]; return is }
	header := *(*unsafe.Pointer)(unsafe.Pointer(&m))
	return readHeader(header, reflect.TypeOf(m), len(m), has, keyRefs, elementRefs, objects)
}

// readHeader reads any map. The map has to have what is found in it, and no more.
func readHeader[K, V any](header unsafe.Pointer, t reflect.Type, length int, has func(*K) bool, keyRefs func(*K, int, *lister), elementRefs func(*V, int, *lister), objects *lister) facts {
	f := walk(header, func(key *K, element *V) {
		if !has(key) {
			panic("maps: the reader finds a key that is not in " + t.String())
		}
		if keyRefs != nil {
			keyRefs(key, partKeys, objects)
		}
		if elementRefs != nil {
			elementRefs(element, partElements, objects)
		}
	}, hasPointers(t), objects)
	if f.entries != length {
		panic("maps: the reader does not find all entries of " + t.String())
	}
	return f
}

// Whether a bucket, or group, of such a map holds pointers to what is in its slots.
func hasPointers(t reflect.Type) bool {
	return pointsOrIsIndirect(t.Key()) || pointsOrIsIndirect(t.Elem())
}

func pointsOrIsIndirect(t reflect.Type) bool {
	return t.Size() > inSlotMax || points(t)
}

func points(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() > 0 && points(t.Elem())
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			if points(t.Field(i).Type) {
				return true
			}
		}
		return false
	case reflect.String, reflect.Slice, reflect.Ptr, reflect.Map, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return true
	}
	return false
}
