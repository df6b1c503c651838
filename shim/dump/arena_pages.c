/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of arenas by address. The join goes forward, so the arena looked for is nearly always the last one.
 */
#include "dump/arena_pages.h"

#include <stddef.h>
#include <string.h>

#include "gopagewatch/page_state.h"
#include "memory/units.h"

enum { LOWER_CASE = 0x20 };

bool arena_pages_open(struct snapshot *snapshot, struct bump *bump)
{
    snapshot->arenas = bump_take(bump, HEAP_ARENAS_MAX * sizeof snapshot->arenas[0]);
    return snapshot->arenas != NULL;
}

static struct arena *find(const struct snapshot *snapshot, uintptr_t start)
{
    uint64_t low = 0, high = snapshot->arenas_count;
    if (high != 0 && snapshot->arenas[high - 1]->start == start)
        return snapshot->arenas[high - 1];
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (snapshot->arenas[middle]->start >= start)
            high = middle;
        else
            low = middle + 1;
    }
    return low < snapshot->arenas_count && snapshot->arenas[low]->start == start ? snapshot->arenas[low] : NULL;
}

/* Arenas appear in address order, so a new one goes to the end. */
static struct arena *find_or_add(struct snapshot *snapshot, struct bump *bump, uintptr_t start)
{
    struct arena *arena = find(snapshot, start);
    if (arena != NULL)
        return arena;
    arena = snapshot->arenas_count < HEAP_ARENAS_MAX ? bump_take(bump, sizeof *arena) : NULL;
    if (arena == NULL) {
        snapshot->untrusted++;
        return NULL;
    }
    arena->start = start;
    memset(arena->states, PAGE_STATE_RESERVED, sizeof arena->states);
    snapshot->arenas[snapshot->arenas_count++] = arena;
    return arena;
}

static uint64_t page_of(const struct arena *arena, uintptr_t address)
{
    return (address - arena->start) / GO_PAGE_BYTES;
}

void arena_pages_mark(struct snapshot *snapshot, struct bump *bump, uintptr_t start, uintptr_t end, uint8_t letter)
{
    while (start < end) {
        struct arena *arena = find_or_add(snapshot, bump, align_down(start, GO_ARENA_BYTES));
        if (arena == NULL)
            return;
        uintptr_t piece_end = min_u64(arena->start + GO_ARENA_BYTES, end);
        uint64_t first = page_of(arena, start);
        memset(arena->states + first, letter, page_of(arena, piece_end - 1) - first + 1);
        start = piece_end;
    }
}

void arena_pages_mark_resident(struct snapshot *snapshot, uintptr_t start, uintptr_t end)
{
    while (start < end) {
        struct arena *arena = find(snapshot, align_down(start, GO_ARENA_BYTES));
        if (arena == NULL)
            return;
        uintptr_t piece_end = min_u64(arena->start + GO_ARENA_BYTES, end);
        uint64_t last = page_of(arena, piece_end - 1);
        for (uint64_t page = page_of(arena, start); page <= last; page++)
            arena->states[page] &= (uint8_t)~LOWER_CASE;
        arena->resident_bytes += piece_end - start;
        start = piece_end;
    }
}
