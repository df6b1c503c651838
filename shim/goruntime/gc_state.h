/* SPDX-License-Identifier: Apache-2.0
 *
 * What the collector says of itself: cycle, phase, goal, its own sums.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_GORUNTIME_GC_STATE_H
#define GPW_GORUNTIME_GC_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/heap_find.h"

/* mgc.go:_GCoff ... */
enum gc_phase { GC_OFF, GC_MARK, GC_MARK_TERMINATION, GC_PHASE_COUNT };

struct gc_state {
    uint64_t cycles; /* marked to the end: mheap_.sweepgen moves on by two with each */
    bool has_phase, has_controller, has_sums, has_memory_limit;
    enum gc_phase phase;
    int32_t percent;             /* GOGC; -1: off */
    uint64_t memory_limit_bytes; /* INT64_MAX: none */
    uint64_t heap_goal_bytes, heap_live_bytes, heap_marked_bytes;
    /* Go's own sums, beside which those of the walk can be held */
    uint64_t in_use_bytes, released_bytes, free_bytes;
};

/* False: not even the cycle could be read. */
bool gc_state_read(struct gc_state *state, const struct go_heap *heap);

#endif
