// SPDX-License-Identifier: Apache-2.0

//go:build go1.26 || (go1.24 && goexperiment.swissmap)

package main

import "unsafe"

// Swiss maps, by internal/runtime/maps of go1.24 to go1.27.

type swissMap struct {
	used      uint64
	seed      uintptr
	directory unsafe.Pointer // of tables; without any, the one group
	tables    int
	_         [4]uint8
	clearSeq  uint64
}

type swissTable struct {
	used, capacity, growthLeft uint16
	localDepth                 uint8
	index                      int
	groups                     unsafe.Pointer
	mask                       uint64
}

// The compiler lays these out as it does the runtime's.
type slot[K, V any] struct {
	key     K
	element V
}

type group[K, V any] struct {
	control [8]uint8
	slots   [8]slot[K, V]
}

const (
	controlEmpty   = 0x80
	controlDeleted = 0xfe
	mapHeaderBytes = unsafe.Sizeof(swissMap{})
)

// groupLayout says where slots are in a group.
type groupLayout struct{ bytes, slots, slot, element uintptr }

func layoutOf[K, V any]() groupLayout {
	var g group[K, V]
	return groupLayout{unsafe.Sizeof(g), unsafe.Offsetof(g.slots), unsafe.Sizeof(g.slots[0]), unsafe.Offsetof(g.slots[0].element)}
}

type swissReader[K, V any] struct {
	visit   func(*K, *V)
	scan    bool
	objects *lister
	layout  groupLayout
}

func place(at unsafe.Pointer, size uintptr, objects *lister, part int) unsafe.Pointer {
	if size <= inSlotMax {
		return at
	}
	at = *(*unsafe.Pointer)(at)
	objects.put(at, size, false, part)
	return at
}

func (r *swissReader[K, V]) groups(at unsafe.Pointer, count int, f *facts) {
	var k K
	var v V
	r.objects.put(at, r.layout.bytes*uintptr(count), r.scan, partBuckets)
	f.buckets += count
	f.capacity += 8 * count
	for i := 0; i < count; i++ {
		g := unsafe.Add(at, uintptr(i)*r.layout.bytes)
		for k1 := uintptr(0); k1 < 8; k1++ {
			control := *(*uint8)(unsafe.Add(g, k1))
			if control == controlDeleted {
				f.tombstones++
			}
			if control >= controlEmpty {
				continue
			}
			key := unsafe.Add(g, r.layout.slots+k1*r.layout.slot)
			element := unsafe.Add(key, r.layout.element)
			r.visit((*K)(place(key, unsafe.Sizeof(k), r.objects, partKeys)),
				(*V)(place(element, unsafe.Sizeof(v), r.objects, partElements)))
			f.entries++
		}
	}
}

func walk[K, V any](header unsafe.Pointer, visit func(*K, *V), scan bool, objects *lister) (f facts) {
	var k K
	var v V
	h := (*swissMap)(header)
	f.address = uintptr(header)
	if h == nil {
		return // all of it is 0
	}
	f.keyBytes, f.elementBytes = int(unsafe.Sizeof(k)), int(unsafe.Sizeof(v))
	objects.put(unsafe.Pointer(h), unsafe.Sizeof(*h), true, partHeader)
	r := &swissReader[K, V]{visit: visit, scan: scan, objects: objects}
	switch isKey, isElement := f.keyBytes > inSlotMax, f.elementBytes > inSlotMax; {
	case isKey && isElement:
		r.layout = layoutOf[*K, *V]()
	case isKey:
		r.layout = layoutOf[*K, V]()
	case isElement:
		r.layout = layoutOf[K, *V]()
	default:
		r.layout = layoutOf[K, V]()
	}
	if h.directory == nil {
		return
	}
	if h.tables == 0 {
		r.groups(h.directory, 1, &f)
		return
	}
	f.directorySlots = h.tables
	objects.put(h.directory, 8*uintptr(h.tables), true, partTables)
	var last *swissTable
	for i := 0; i < h.tables; i++ {
		table := *(**swissTable)(unsafe.Add(h.directory, 8*i))
		if table == last {
			continue
		}
		last = table
		f.tables++
		objects.put(unsafe.Pointer(table), unsafe.Sizeof(*table), true, partTables)
		r.groups(table.groups, int(table.mask)+1, &f)
	}
	return
}

// grow: a map that has several tables, not all split as often. (A Swiss map never grows in steps.)
func grow(s subject) {
	s.make(0)
	s.insert(0, 1700)
	for n := 1700; ; n++ {
		if f := s.facts(); f.tables > 2 && f.tables < f.directorySlots {
			return
		}
		s.insert(n, n+1)
	}
}

// crowd: a map with tombstones.
func crowd(s subject, _ bool) {
	s.make(0)
	for n := 0; s.facts().tombstones == 0; n += 400 {
		s.insert(n, n+400)
		s.deleteHalf()
	}
}
