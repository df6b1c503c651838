/* SPDX-License-Identifier: Apache-2.0
 *
 * A heap profile in a made-up heap: buckets with stacks, and specials on the lists of spans. Written from mprof.go and
 * mheap.go, not from what the shim reads.
 */
#ifndef GPW_TESTS_FAKE_PROFILE_H
#define GPW_TESTS_FAKE_PROFILE_H

#include "tests/unit/support/fake_heap.h"

/* mheap.go:_KindSpecialProfile */
uint8_t fake_profile_kind(const struct fake_heap *heap);

/* mprof.go:newBucket, a bucket of type memProfile for objects of that size; its stack are `depth` return addresses in
 * the module's text, from the `first` on. */
uintptr_t fake_profile_bucket(struct fake_heap *heap, uint64_t object_bytes, unsigned first, unsigned depth);
/* mheap.go:addspecial: in its place in the list. Returns the special's address. */
uintptr_t fake_profile_add(struct fake_heap *heap, const struct fake_span *span, uint64_t offset, uint8_t kind,
                           uintptr_t bucket);
/* Allocates the slot, sampled. */
uintptr_t fake_profile_sample(struct fake_heap *heap, const struct fake_span *span, uint64_t slot, uintptr_t bucket);
/* Samples and finalizers at random, by a few stacks, in all spans that are there. Returns how many slots are sampled.
 */
uint64_t fake_profile_populate(struct fake_heap *heap, uint64_t seed);

#endif
