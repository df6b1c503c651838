/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading gcController, and memstats where it kept the sums up to go1.18.
 */
#include "goruntime/gc_state.h"

#include <stddef.h>

#include "memory/units.h"

enum {
    STRUCT_BYTES_MAX = 1024,
    MIN_RUNWAY_BYTES = 64 << 10,        /* mgcpacer.go:heapGoalInternal */
    LIMIT_HEADROOM_PERCENT = 3,         /* mgcpacer.go:memoryLimitHeapGoalHeadroomPercent */
    LIMIT_HEADROOM_MIN_BYTES = 1 << 20, /* mgcpacer.go:memoryLimitMinHeapGoalHeadroom */
};

struct controller {
    uint64_t percent_goal, sweep_min_trigger, triggered, marked;
    uint64_t limit, heap_free, total_alloc, total_free, mapped_ready;
};

/* mgcpacer.go:memoryLimitHeapGoal; before go1.21 the head room was 1 MiB whatever the goal. */
static uint64_t limit_goal_bytes(const struct controller *c, unsigned go_minor)
{
    uint64_t allocated = c->total_alloc - c->total_free;
    if (c->heap_free + allocated > c->mapped_ready)
        return UINT64_MAX;
    uint64_t other = c->mapped_ready - c->heap_free - allocated;
    uint64_t overage = c->mapped_ready > c->limit ? c->mapped_ready - c->limit : 0;
    if (other + overage >= c->limit)
        return c->marked;
    uint64_t goal = c->limit - (other + overage);
    uint64_t headroom = go_minor >= 21 ? goal / 100 * LIMIT_HEADROOM_PERCENT : 0;
    headroom = max_u64(headroom, LIMIT_HEADROOM_MIN_BYTES);
    goal = goal < headroom || goal - headroom < headroom ? headroom : goal - headroom;
    return max_u64(goal, c->marked);
}

/* mgcpacer.go:heapGoalInternal */
static uint64_t heap_goal_bytes(const struct controller *c, unsigned go_minor)
{
    uint64_t by_limit = limit_goal_bytes(c, go_minor);
    if (by_limit < c->percent_goal)
        return by_limit;
    uint64_t goal = max_u64(c->percent_goal, c->sweep_min_trigger);
    if (c->triggered != UINT64_MAX && goal < c->triggered + MIN_RUNWAY_BYTES)
        goal = c->triggered + MIN_RUNWAY_BYTES;
    return goal;
}

static void read_controller(struct gc_state *state, const struct go_heap *heap)
{
    const struct go_layout *layout = heap->layout;
    uint8_t raw[STRUCT_BYTES_MAX];
    if (heap->gc.gc_controller == 0 || layout->gc_controller_bytes > sizeof raw ||
        !reader_read(heap->reader, heap->gc.gc_controller, raw, layout->gc_controller_bytes))
        return;
    struct controller c = {
        .percent_goal = layout_field_of(raw, layout->gc_heap_goal),
        .sweep_min_trigger = layout_field_of(raw, layout->gc_sweep_min_trigger),
        .triggered = layout_field_of(raw, layout->gc_triggered),
        .marked = layout_field_of(raw, layout->gc_heap_marked),
        .limit = layout_field_of(raw, layout->gc_memory_limit),
        .heap_free = layout_field_of(raw, layout->gc_heap_free),
        .total_alloc = layout_field_of(raw, layout->gc_total_alloc),
        .total_free = layout_field_of(raw, layout->gc_total_free),
        .mapped_ready = layout_field_of(raw, layout->gc_mapped_ready),
    };
    state->has_controller = true;
    state->percent = (int32_t)layout_field_of(raw, layout->gc_percent);
    state->heap_live_bytes = layout_field_of(raw, layout->gc_heap_live);
    state->heap_marked_bytes = c.marked;
    state->has_memory_limit = layout->gc_memory_limit.bytes != 0;
    state->memory_limit_bytes = c.limit;
    state->heap_goal_bytes = state->has_memory_limit ? heap_goal_bytes(&c, layout->go_minor) : c.percent_goal;
    if (layout->gc_heap_in_use.bytes == 0)
        return;
    state->has_sums = true;
    state->in_use_bytes = layout_field_of(raw, layout->gc_heap_in_use);
    state->released_bytes = layout_field_of(raw, layout->gc_heap_released);
    state->free_bytes = c.heap_free;
}

static uint64_t memstats_number(const struct go_heap *heap, struct layout_field field, bool *is_read)
{
    uint64_t value = 0;
    *is_read = *is_read && field.bytes == sizeof value &&
               reader_read(heap->reader, heap->memstats + field.offset_bytes, &value, sizeof value);
    return value;
}

static void read_old_sums(struct gc_state *state, const struct go_heap *heap)
{
    const struct go_layout *layout = heap->layout;
    bool is_read = heap->memstats != 0;
    uint64_t in_use_bytes = memstats_number(heap, layout->memstats_heap_in_use, &is_read);
    uint64_t released_bytes = memstats_number(heap, layout->memstats_heap_released, &is_read);
    uint64_t sys_bytes = memstats_number(heap, layout->memstats_heap_sys, &is_read);
    if (!is_read || sys_bytes < in_use_bytes)
        return;
    state->has_sums = true;
    state->in_use_bytes = in_use_bytes;
    state->released_bytes = released_bytes;
    /* heap_sys counts what is mapped, released memory too (mstats.go:heap_sys). */
    state->free_bytes = sys_bytes - in_use_bytes > released_bytes ? sys_bytes - in_use_bytes - released_bytes : 0;
}

bool gc_state_read(struct gc_state *state, const struct go_heap *heap)
{
    uint32_t sweepgen, phase;
    *state = (struct gc_state){0};
    if (!go_heap_sweepgen(heap, &sweepgen))
        return false;
    state->cycles = sweepgen / 2;
    if (heap->gc.phase != 0 && reader_read(heap->reader, heap->gc.phase, &phase, sizeof phase) &&
        phase < GC_PHASE_COUNT) {
        state->has_phase = true;
        state->phase = (enum gc_phase)phase;
    }
    read_controller(state, heap);
    if (!state->has_sums)
        read_old_sums(state, heap);
    return true;
}
