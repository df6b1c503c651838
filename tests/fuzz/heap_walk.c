/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a Go heap whose books are damaged. The input chooses a version and what is hidden, changes bytes of the
 * runtime's structures before the walk, and more of them while it goes on. Whatever they are: the walk ends, each page
 * of an arena is told once, no object lies outside of its span, and each sampled one is an object.
 *
 * Sources: shim/goruntime/{heap_find,heap_arenas,heap_walk,heap_span,heap_profile,page_alloc,mspan,gc_state}.c
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "dump/profile_join.h"
#include "goruntime/gc_state.h"
#include "goruntime/heap_find.h"
#include "goruntime/heap_walk.h"
#include "tests/unit/support/fake_profile.h"

enum {
    READS_MAX = 2000000,
    MOVING_MAX = 64,
    SECRET_BYTES_MAX = 1 << 16,
    ARENAS_WALKED_MAX = 2 * FAKE_ARENAS_MAX,
    /* The tables begin with the arena map, of which hardly anything is used: changes go behind it. */
    TABLES_SKIPPED_BYTES = 32 << 20,
};

static struct fake_heap heap;
static struct heap_walk walk;
static struct input input;
static uint32_t moving; /* changes that were made in the middle of the walk */

/* A place in the books: .bss with mheap_ and its companions, or the tables. */
static uintptr_t choose_place(void)
{
    uint64_t choice = input_take(&input, 4);
    if (choice % 2 == 0)
        return heap.bss_start + choice / 2 % (FAKE_BSS_BYTES - 8);
    uint64_t used_bytes = heap.used_bytes > TABLES_SKIPPED_BYTES + 8 ? heap.used_bytes - TABLES_SKIPPED_BYTES - 8 : 1;
    return heap.tables + TABLES_SKIPPED_BYTES + choice / 2 % used_bytes;
}

/* Small numbers, addresses of the tables and anything. */
static uint64_t choose_value(void)
{
    uint64_t kind = input_take(&input, 1), value = input_take(&input, 8);
    if (kind % 4 == 0)
        return value & 0xff;
    if (kind % 4 == 1)
        return heap.tables + (value & (heap.used_bytes | 7));
    if (kind % 4 == 2)
        return FAKE_ARENAS + value % (8ull * GO_ARENA_BYTES);
    return value;
}

static void change(void)
{
    unsigned bytes = 1u << input_take(&input, 1) % 4;
    uintptr_t place = choose_place();
    fake_heap_put(&heap, place, choose_value(), bytes);
}

static void change_while_it_is_read(struct fake_heap *self, uintptr_t address, uint64_t bytes)
{
    (void)address;
    (void)bytes;
    MUST(self->reads < READS_MAX);
    if (input.left == 0 || moving == MOVING_MAX || self->reads % 7 != 0)
        return;
    moving++;
    change();
}

/* Each sampled slot holds an object, they rise, and what is counted of a span is no more than there is of it. */
static void check_samples(const struct heap_arena *arena, const struct heap_run *run)
{
    const struct heap_span *span = &arena->spans[run->span];
    MUST(span->samples_count <= span->objects);
    if (span->samples_count == 0)
        return;
    struct sampled_segment segment = {span, arena->samples + span->samples_first, run->start, run->end, 0, 0, 0};
    for (uint32_t i = 0; i < span->samples_count; i++) {
        const struct heap_sample *sample = &segment.samples[i];
        MUST(sample->slot < span->slots && heap_span_has_object(span, sample->slot));
        MUST(i == 0 || sample->slot > sample[-1].slot);
        MUST(sample->stack < walk.profile.stacks_count);
    }
    sampled_segment_mark(&segment, run->start, run->end, heap_span_object_bytes(span, run->start, run->end));
    profile_count_segment(&walk.profile, &segment);
}

/* All together keep no more than there is, and nothing is counted twice. */
static void check_profile(void)
{
    uint32_t *order = malloc(PROFILE_STACKS_MAX * sizeof *order);
    struct profile_rest rest = {0};
    uint64_t pinned_bytes = 0, resident_bytes = 0;
    uint64_t frames[PROFILE_FRAMES_MAX];
    uint32_t count = profile_rank(&walk.profile, 3, order, &rest);
    for (uint32_t i = 0; i < count && i < 3; i++) {
        const struct profile_stack *stack = &walk.profile.stacks[order[i]];
        MUST(heap_profile_read_frames(&walk.profile, stack, frames) <= PROFILE_FRAMES_MAX);
        MUST(stack->alone_spans_bytes <= stack->pinned_spans_bytes && stack->alone_in_span <= stack->objects);
        pinned_bytes += stack->pinned_spans_bytes;
        resident_bytes += stack->resident_bytes;
    }
    pinned_bytes += rest.sums.pinned_spans_bytes;
    resident_bytes += rest.sums.resident_bytes;
    MUST(pinned_bytes <= ARENAS_WALKED_MAX * (uint64_t)GO_ARENA_BYTES);
    MUST(resident_bytes <= ARENAS_WALKED_MAX * (uint64_t)GO_ARENA_BYTES);
    free(order);
}

static void check_arena(const struct heap_arena *arena)
{
    uintptr_t at = arena->start;
    for (uint32_t i = 0; i < arena->runs_count; i++) {
        const struct heap_run *run = &arena->runs[i];
        MUST(run->start == at && run->end > at);
        at = run->end;
        if (run->kind != PAGE_OBJECTS)
            continue;
        const struct heap_span *span = &arena->spans[run->span];
        MUST(span->objects <= span->slots && span->slots * span->slot_bytes <= span->bytes);
        MUST(heap_span_object_bytes(span, run->start, run->end) <= run->end - run->start);
        check_samples(arena, run);
    }
    MUST(at == arena->start + GO_ARENA_BYTES);
}

static void walk_all(const struct go_heap *found, struct bump *bump)
{
    struct gc_state gc;
    uintptr_t *starts;
    gc_state_read(&gc, found);
    int64_t count = heap_arenas_list(found, &heap.resident.residency, bump, &starts);
    if (count < 0 || !heap_walk_open(&walk, found, bump))
        return;
    for (int64_t i = 0; i < count && i < ARENAS_WALKED_MAX; i++) {
        const struct heap_arena *arena = heap_walk_arena(&walk, starts[i]);
        if (arena != NULL)
            check_arena(arena);
    }
    check_profile();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static _Alignas(16) uint8_t scratch[RUNTIME_FIND_SCRATCH_BYTES];
    static struct go_runtime runtime;
    static struct go_heap found;
    struct bump bump;
    input = (struct input){data, bytes};
    moving = 0;
    fake_heap_open(&heap, &GO_LAYOUTS[input_take(&input, 1) % GO_LAYOUTS_COUNT], FAKE_TABLES);
    fake_heap_populate(&heap, FAKE_ARENAS, 7);
    fake_profile_populate(&heap, 8);
    MUST(runtime_find(&runtime, &heap.reader, heap.image.base, "/nonexistent/program", scratch));
    bool is_searched = input_take(&input, 1) % 4 == 0;
    uint64_t count = input_take(&input, 1) % 32, holes = input_take(&input, 1) % (FAKE_HOLES_MAX + 1);
    for (uint64_t i = 0; i < holes; i++)
        fake_heap_hide(&heap, choose_place(), 1 + input_take(&input, 2) % SECRET_BYTES_MAX);
    for (uint64_t i = 0; i < count && input.left > 0; i++)
        change();
    heap.reads = 0;
    heap.hook = change_while_it_is_read;
    MUST(bump_open(&bump, 256 << 20) == 0);
    /* As found, or as if it had been found before the damage (the search takes longer than the walk). */
    if (!is_searched || !heap_find(&found, &runtime, &heap.reader, scratch))
        found = fake_heap_described(&heap);
    walk_all(&found, &bump);
    bump_close(&bump);
    return 0;
}
