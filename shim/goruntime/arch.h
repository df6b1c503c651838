/* SPDX-License-Identifier: Apache-2.0
 *
 * What of the Go runtime depends on the architecture. One file for each: arch_ARCH.c.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_GORUNTIME_ARCH_H
#define GPW_GORUNTIME_ARCH_H

#include <stdbool.h>
#include <stdint.h>

/* malloc.go:arenaBaseOffset: what is taken off an address before it becomes an arena's or a chunk's index. */
extern const uint64_t GO_ARENA_BASE_OFFSET;

/* The globals that runtime.gcTrigger.test works with (mgc.go: it first asks memstats.enablegc, panicking, gcphase, then
 * gcController). An address is 0 when its instruction was not found. */
struct gc_globals {
    uintptr_t enable_gc;     /* memstats.enablegc */
    uintptr_t phase;         /* gcphase */
    uintptr_t gc_controller; /* gcController */
};

/* Decodes the code of runtime.gcTrigger.test that lies at `address`. */
void gc_globals_decode(const uint8_t *code, uint64_t bytes, uintptr_t address, unsigned go_minor,
                       struct gc_globals *globals);

/* The address of runtime.MemProfileRate out of the code of runtime.profilealloc that lies at `address`; 0: not found.
 * It is the second global that the function loads, after mcache0 (malloc.go, mcache.go:getMCache). */
uintptr_t mem_profile_rate_decode(const uint8_t *code, uint64_t bytes, uintptr_t address);

#endif
