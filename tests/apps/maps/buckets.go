// SPDX-License-Identifier: Apache-2.0

//go:build !go1.24 || (!go1.26 && !goexperiment.swissmap)

package main

import "unsafe"

// Maps of hmap and bmap, by runtime/map.go of go1.19 to go1.23, and map_noswiss.go of go1.24 and go1.25.

type hmap struct {
	count      int
	flags, b   uint8
	noverflow  uint16
	hash0      uint32
	buckets    unsafe.Pointer
	oldbuckets unsafe.Pointer
	nevacuate  uintptr
	clearSeq   clearSeq // since go1.24
	extra      *mapextra
}

type mapextra struct {
	overflow, oldoverflow *[]unsafe.Pointer
	nextOverflow          unsafe.Pointer
}

const (
	slotsPerBucket   = 8
	evacuatedLowest  = 2
	evacuatedHighest = 4
	topLowest        = 5
	flagSameSize     = 8
	loadNumerator    = 13 // entries for each bucket: 13 / 2
	overflowFromB    = 4  // so many bits of buckets, and some more are allocated along
	mapHeaderBytes   = unsafe.Sizeof(hmap{})
)

func sizeInSlot(bytes uintptr) uintptr {
	if bytes > inSlotMax {
		return 8
	}
	return bytes
}

// bucketReader walks the buckets of one map.
type bucketReader[K, V any] struct {
	visit                             func(*K, *V)
	scan                              bool
	objects                           *lister
	keySlot, elementSlot, bucketBytes uintptr
	arrays                            [2]unsafe.Pointer
	arrayBytes                        [2]uintptr
	seen                              map[unsafe.Pointer]bool // overflow buckets that were listed
}

func (r *bucketReader[K, V]) place(bucket unsafe.Pointer, offset, size, slot uintptr, part int) unsafe.Pointer {
	at := unsafe.Add(bucket, offset)
	if size > inSlotMax {
		at = *(*unsafe.Pointer)(at)
		r.objects.put(at, size, false, part)
	}
	return at
}

func (r *bucketReader[K, V]) entries(bucket unsafe.Pointer) (found int) {
	var k K
	var v V
	for i := uintptr(0); i < slotsPerBucket; i++ {
		if *(*uint8)(unsafe.Add(bucket, i)) < topLowest {
			continue
		}
		key := r.place(bucket, 8+i*r.keySlot, unsafe.Sizeof(k), 0, partKeys)
		element := r.place(bucket, 8+slotsPerBucket*r.keySlot+i*r.elementSlot, unsafe.Sizeof(v), 0, partElements)
		r.visit((*K)(key), (*V)(element))
		found++
	}
	return
}

// An overflow bucket is an object of its own, unless it was allocated along with the array.
func (r *bucketReader[K, V]) listOverflow(bucket unsafe.Pointer) {
	for i := range r.arrays {
		if r.arrays[i] != nil && uintptr(bucket)-uintptr(r.arrays[i]) < r.arrayBytes[i] {
			return
		}
	}
	if !r.seen[bucket] {
		r.seen[bucket] = true
		r.objects.put(bucket, r.bucketBytes, r.scan, partOverflow)
	}
}

func (r *bucketReader[K, V]) next(bucket unsafe.Pointer) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Add(bucket, r.bucketBytes-8))
}

// A bucket and what is chained to it.
func (r *bucketReader[K, V]) chain(bucket unsafe.Pointer) (found, overflow int) {
	for {
		found += r.entries(bucket)
		bucket = r.next(bucket)
		if bucket == nil {
			return
		}
		r.listOverflow(bucket)
		overflow++
	}
}

func (r *bucketReader[K, V]) bytesOfArray(b uint8) uintptr {
	buckets := uintptr(1) << b
	if b >= overflowFromB {
		buckets += 1 << (b - overflowFromB)
		bytes := r.bucketBytes * buckets
		if up := usable(bytes, r.scan); up != bytes {
			buckets = up / r.bucketBytes
		}
	}
	return buckets * r.bucketBytes
}

func (r *bucketReader[K, V]) list(buckets *[]unsafe.Pointer) {
	if buckets == nil {
		return
	}
	r.objects.put(unsafe.Pointer(buckets), unsafe.Sizeof(*buckets), true, partOverflow)
	header := (*sliceHeader)(unsafe.Pointer(buckets))
	r.objects.put(header.data, header.capacity*8, true, partOverflow)
	for _, bucket := range *buckets {
		r.listOverflow(bucket)
	}
}

func walk[K, V any](header unsafe.Pointer, visit func(*K, *V), scan bool, objects *lister) (f facts) {
	var k K
	var v V
	h := (*hmap)(header)
	f.address = uintptr(header)
	if h == nil {
		return // all of it is 0
	}
	f.keyBytes, f.elementBytes = int(unsafe.Sizeof(k)), int(unsafe.Sizeof(v))
	objects.put(unsafe.Pointer(h), unsafe.Sizeof(*h), true, partHeader)
	if h.extra != nil {
		objects.put(unsafe.Pointer(h.extra), unsafe.Sizeof(*h.extra), true, partHeader)
	}
	if h.buckets == nil {
		return
	}
	r := &bucketReader[K, V]{visit: visit, scan: scan, objects: objects, keySlot: sizeInSlot(unsafe.Sizeof(k)),
		elementSlot: sizeInSlot(unsafe.Sizeof(v)), seen: map[unsafe.Pointer]bool{}}
	r.bucketBytes = 8 + slotsPerBucket*(r.keySlot+r.elementSlot) + 8
	f.buckets = 1 << h.b
	f.capacity = slotsPerBucket << h.b
	f.freeSlots = loadNumerator<<h.b/2 - h.count
	r.arrays[0], r.arrayBytes[0] = h.buckets, r.bytesOfArray(h.b)
	objects.put(h.buckets, r.arrayBytes[0], scan, partBuckets)
	if h.oldbuckets != nil {
		f.isGrowing, f.isSameSizeGrow = true, h.flags&flagSameSize != 0
		old := h.b
		if !f.isSameSizeGrow {
			old--
		}
		f.oldBuckets = 1 << old
		r.arrays[1], r.arrayBytes[1] = h.oldbuckets, r.bytesOfArray(old)
		objects.put(h.oldbuckets, r.arrayBytes[1], scan, partOldBuckets)
		for i := 0; i < f.oldBuckets; i++ {
			bucket := unsafe.Add(h.oldbuckets, uintptr(i)*r.bucketBytes)
			if top := *(*uint8)(bucket); top >= evacuatedLowest && top <= evacuatedHighest {
				f.evacuatedBuckets++
				// What was chained to it stays so when somebody goes over the old buckets, or did, and when there are no pointers
				// in it.
				for next := r.next(bucket); next != nil; next = r.next(next) {
					r.listOverflow(next)
					f.overflowBuckets++
				}
				continue
			}
			found, overflow := r.chain(bucket)
			f.entries += found
			f.overflowBuckets += overflow
		}
	}
	for i := 0; i < f.buckets; i++ {
		found, overflow := r.chain(unsafe.Add(h.buckets, uintptr(i)*r.bucketBytes))
		f.entries += found
		f.overflowBuckets += overflow
	}
	if h.extra != nil {
		r.list(h.extra.overflow)
		r.list(h.extra.oldoverflow)
	}
	return
}

// grow stops when the map begins to grow, and lets it come a little of its way.
func grow(s subject) {
	s.make(0)
	s.insert(0, 800)
	n := 800
	for ; !s.facts().isGrowing; n++ {
		s.insert(n, n+1)
	}
	s.insert(n, n+20)
}

// crowd fills and empties the map until it has many overflow buckets, or, by them, grows to the same size.
func crowd(s subject, wantsGrowth bool) {
	const buckets, entries = 64, 64 * 13 / 2
	s.make(entries)
	for n := 0; ; n += entries {
		for i := 0; i < entries; i++ {
			s.insert(n+i, n+i+1)
			if wantsGrowth && s.facts().isGrowing {
				s.insert(n+i+1, n+i+4)
				return
			}
		}
		if f := s.facts(); !wantsGrowth && f.overflowBuckets >= buckets/2 {
			return
		}
		s.deleteAll()
	}
}
