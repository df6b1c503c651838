/* SPDX-License-Identifier: Apache-2.0
 *
 * The shadow table. Hook path: no call but region_take.
 *
 * Order of the atomics: a slot is published with release and read with acquire, so that whoever sees a leaf sees its
 * entries. Entries are relaxed: each stands for itself.
 */
#include "preload/shadow.h"

#include <stddef.h>

enum {
    ORIGIN_BITS = 3,
    STATE_SHIFT = 6,
    ADVICE_SHIFT = 9,
    COUNT_SHIFT = 16,
    TIME_SHIFT = 32,
    TIME_UNIT_SHIFT = 24,
    HALF_PAGE_BYTES = GO_PAGE_BYTES / 2,
    ADDRESS_BITS = 48,
};

#define ORIGIN_MASK 7ull
#define STATE_MASK (7ull << STATE_SHIFT)
#define ADVICE_MASK (15ull << ADVICE_SHIFT)
#define COUNT_MAX 0xffffull
#define COUNT_MASK (COUNT_MAX << COUNT_SHIFT)
#define TIME_MAX 0xffffffffull
#define TIME_MASK (TIME_MAX << TIME_SHIFT)
#define KEY_MASK 0x1ffull /* both origins and the state */

/* A uniform slot is an entry shifted up by one with the lowest bit set; a leaf's address has it clear. Only entries
 * without time, which fit, are kept so. */
#define UNIFORM 1ull

enum change_kind { CHANGE_MAP, CHANGE_ARENA, CHANGE_UNMAP, CHANGE_ADVISE };

struct change {
    enum change_kind kind;
    enum shadow_origin origin;
    bool is_accessible;
    uint16_t site;
    enum advice advice;
    uint64_t time; /* in TIME units */
};

static enum shadow_state state_of(uint64_t entry)
{
    return (enum shadow_state)((entry & STATE_MASK) >> STATE_SHIFT);
}

static uint64_t with_state(uint64_t entry, enum shadow_state state)
{
    return (entry & ~STATE_MASK) | (uint64_t)state << STATE_SHIFT;
}

/* `halves`: bit 0 the lower 4 KiB, bit 1 the upper. */
static uint64_t with_origin(uint64_t entry, enum shadow_origin origin, unsigned halves)
{
    if (halves & 1)
        entry = (entry & ~ORIGIN_MASK) | origin;
    if (halves & 2)
        entry = (entry & ~(ORIGIN_MASK << ORIGIN_BITS)) | (uint64_t)origin << ORIGIN_BITS;
    return entry;
}

/* What is the call site in an entry that is not of an arena. */
static uint64_t site_mask(uint64_t entry)
{
    return state_of(entry) == STATE_PLAIN ? COUNT_MASK : 0;
}

static uint64_t mapped_entry(uint64_t old, const struct change *change, unsigned halves)
{
    if (change->origin == ORIGIN_GO && state_of(old) != STATE_PLAIN)
        return with_state(old, change->is_accessible ? STATE_MAPPED : STATE_RELEASED);
    enum shadow_origin origin = change->is_accessible ? change->origin : ORIGIN_UNKNOWN;
    uint64_t entry = with_origin(halves == 3 ? 0 : old & (KEY_MASK | site_mask(old)), origin, halves);
    if (change->is_accessible)
        entry = (entry & ~COUNT_MASK) | ((uint64_t)change->site << COUNT_SHIFT & site_mask(entry));
    return (entry & KEY_MASK) == 0 ? 0 : entry;
}

static uint64_t advised_entry(uint64_t old, const struct change *change)
{
    if ((old & KEY_MASK) == 0) /* not known: it stays so */
        return old;
    uint64_t entry = old & ~(ADVICE_MASK | TIME_MASK);
    entry |= (uint64_t)change->advice << ADVICE_SHIFT | change->time << TIME_SHIFT;
    if (state_of(old) == STATE_PLAIN || (change->advice != ADVICE_DONTNEED && change->advice != ADVICE_FREE))
        return entry;
    if ((entry & COUNT_MASK) != COUNT_MASK)
        entry += 1ull << COUNT_SHIFT;
    return with_state(entry, change->advice == ADVICE_FREE ? STATE_LAZY : STATE_RELEASED);
}

static uint64_t changed_entry(uint64_t old, const struct change *change, unsigned halves)
{
    switch (change->kind) {
    case CHANGE_MAP:
        return mapped_entry(old, change, halves);
    case CHANGE_ARENA:
        return with_state(with_origin(0, ORIGIN_GO, 3), STATE_RESERVED);
    case CHANGE_UNMAP: {
        uint64_t left = with_origin(old, ORIGIN_UNKNOWN, halves);
        return (left & (ORIGIN_MASK | ORIGIN_MASK << ORIGIN_BITS)) == 0 ? 0 : left;
    }
    case CHANGE_ADVISE:
        return advised_entry(old, change);
    }
    return old;
}

/* What takes memory away or adds to what is known needs no leaf where nothing is known. */
static bool needs_no_leaf(const struct change *change)
{
    return change->kind == CHANGE_UNMAP || change->kind == CHANGE_ADVISE ||
           (change->kind == CHANGE_MAP && !change->is_accessible);
}

static _Atomic uint64_t *leaf_of_slot(uint64_t slot)
{
    return (slot & UNIFORM) != 0 ? NULL : (_Atomic uint64_t *)(uintptr_t)slot;
}

/* Makes the leaf of a slot that has none. NULL when there is no memory. */
static _Atomic uint64_t *make_leaf(struct shadow *shadow, _Atomic uint64_t *slot, uint64_t seen)
{
    _Atomic uint64_t *leaf = region_take(shadow->region, GO_ARENA_PAGES * sizeof *leaf);
    if (leaf == NULL)
        return NULL;
    uint64_t filled_with = 0; /* a new leaf is all zero */
    for (;;) {
        uint64_t entry = seen >> 1;
        for (uint64_t i = 0; entry != filled_with && i < GO_ARENA_PAGES; i++)
            atomic_store_explicit(&leaf[i], entry, memory_order_relaxed);
        filled_with = entry;
        if (atomic_compare_exchange_strong_explicit(slot, &seen, (uintptr_t)leaf, memory_order_acq_rel,
                                                    memory_order_acquire))
            return leaf;
        if (seen != 0 && leaf_of_slot(seen) != NULL)
            return leaf_of_slot(seen); /* another thread was first; ours is lost, which is rare and bounded */
    }
}

/* A whole slot at once, without a leaf: true when that was possible. */
static bool change_slot(_Atomic uint64_t *slot, uint64_t *seen, const struct change *change)
{
    if (change->kind == CHANGE_ADVISE)
        return false;
    do {
        if (*seen != 0 && leaf_of_slot(*seen) != NULL)
            return false;
        uint64_t entry = changed_entry(*seen >> 1, change, 3);
        uint64_t wanted = entry == 0 ? 0 : entry << 1 | UNIFORM;
        if (atomic_compare_exchange_weak_explicit(slot, seen, wanted, memory_order_acq_rel, memory_order_acquire))
            return true;
    } while (true);
}

static void change_leaf(_Atomic uint64_t *leaf, uintptr_t start, uintptr_t end, const struct change *change)
{
    uintptr_t page = align_down(start, GO_PAGE_BYTES);
    for (; page < end; page += GO_PAGE_BYTES) {
        unsigned halves = 3;
        if (start > page)
            halves &= ~1u;
        if (end < page + GO_PAGE_BYTES)
            halves &= end > page + HALF_PAGE_BYTES ? 3u : 1u;
        _Atomic uint64_t *entry = &leaf[page / GO_PAGE_BYTES % GO_ARENA_PAGES];
        uint64_t old = atomic_load_explicit(entry, memory_order_relaxed);
        if (halves == 3) {
            atomic_store_explicit(entry, changed_entry(old, change, halves), memory_order_relaxed);
            continue;
        }
        /* The other half may be another thread's. */
        while (!atomic_compare_exchange_weak_explicit(entry, &old, changed_entry(old, change, halves),
                                                      memory_order_relaxed, memory_order_relaxed))
            ;
    }
}

static void change_in_slot(struct shadow *shadow, uintptr_t start, uintptr_t end, const struct change *change)
{
    _Atomic uint64_t *slot = &shadow->slots[start / GO_ARENA_BYTES];
    uint64_t seen = atomic_load_explicit(slot, memory_order_acquire);
    if (seen == 0 && needs_no_leaf(change))
        return;
    _Atomic uint64_t *leaf = seen == 0 ? NULL : leaf_of_slot(seen);
    if (leaf == NULL && end - start == GO_ARENA_BYTES && change_slot(slot, &seen, change))
        return;
    leaf = seen == 0 ? NULL : leaf_of_slot(seen);
    if (leaf == NULL)
        leaf = make_leaf(shadow, slot, seen);
    if (leaf == NULL)
        atomic_fetch_add_explicit(&shadow->ranges_untracked, 1, memory_order_relaxed);
    else
        change_leaf(leaf, start, end, change);
}

static void change_range(struct shadow *shadow, uintptr_t start, uint64_t bytes, const struct change *change)
{
    uintptr_t limit = shadow->slots_count * GO_ARENA_BYTES;
    if (start >= limit || bytes > limit - start) {
        atomic_fetch_add_explicit(&shadow->ranges_untracked, 1, memory_order_relaxed);
        return;
    }
    start = align_down(start, HALF_PAGE_BYTES);
    uintptr_t end = start + align_up(bytes, HALF_PAGE_BYTES);
    while (start < end) {
        uintptr_t slot_end = min_u64(align_down(start, GO_ARENA_BYTES) + GO_ARENA_BYTES, end);
        change_in_slot(shadow, start, slot_end, change);
        start = slot_end;
    }
}

bool shadow_open(struct shadow *shadow, struct region *region, uint64_t start_ticks)
{
    uint64_t slots_count = (1ull << ADDRESS_BITS) / 2 / GO_ARENA_BYTES; /* user space is the lower half */
    shadow->region = region;
    shadow->start_ticks = start_ticks;
    shadow->slots = region_take(region, slots_count * sizeof shadow->slots[0]);
    shadow->slots_count = shadow->slots == NULL ? 0 : slots_count;
    return shadow->slots != NULL;
}

void shadow_mark_mapped(struct shadow *shadow, uintptr_t start, uint64_t bytes, enum shadow_origin origin,
                        bool is_accessible, uint16_t site)
{
    struct change change = {.kind = CHANGE_MAP, .origin = origin, .is_accessible = is_accessible, .site = site};
    change_range(shadow, start, bytes, &change);
}

void shadow_mark_arena(struct shadow *shadow, uintptr_t start, uint64_t bytes)
{
    struct change change = {.kind = CHANGE_ARENA};
    change_range(shadow, start, bytes, &change);
}

void shadow_mark_unmapped(struct shadow *shadow, uintptr_t start, uint64_t bytes)
{
    struct change change = {.kind = CHANGE_UNMAP};
    change_range(shadow, start, bytes, &change);
}

void shadow_mark_advised(struct shadow *shadow, uintptr_t start, uint64_t bytes, enum advice advice, uint64_t now_ticks)
{
    /* Another core's clock may lag behind. */
    uint64_t ticks = now_ticks > shadow->start_ticks ? now_ticks - shadow->start_ticks : 0;
    uint64_t time = ticks >> TIME_UNIT_SHIFT;
    struct change change = {.kind = CHANGE_ADVISE, .advice = advice, .time = min_u64(max_u64(time, 1), TIME_MAX)};
    change_range(shadow, start, bytes, &change);
}

static uint64_t load_entry(const _Atomic uint64_t *leaf, uintptr_t address)
{
    return atomic_load_explicit(&leaf[address / GO_PAGE_BYTES % GO_ARENA_PAGES], memory_order_relaxed);
}

static uint64_t entry_at(const struct shadow *shadow, uintptr_t address)
{
    uint64_t index = address / GO_ARENA_BYTES;
    if (index >= shadow->slots_count)
        return 0;
    uint64_t slot = atomic_load_explicit(&shadow->slots[index], memory_order_acquire);
    if (slot == 0 || (slot & UNIFORM) != 0)
        return slot >> 1;
    return load_entry(leaf_of_slot(slot), address);
}

static struct shadow_entry decode(uint64_t entry)
{
    uint64_t count = (entry & COUNT_MASK) >> COUNT_SHIFT;
    bool is_of_arena = state_of(entry) != STATE_PLAIN;
    return (struct shadow_entry){
        .origin = {(enum shadow_origin)(entry & ORIGIN_MASK), (enum shadow_origin)(entry >> ORIGIN_BITS & ORIGIN_MASK)},
        .state = state_of(entry),
        .advice = (enum advice)((entry & ADVICE_MASK) >> ADVICE_SHIFT),
        .released_count = is_of_arena ? (uint32_t)count : 0,
        .site = is_of_arena ? 0 : (uint16_t)count,
        .last_ticks = (entry >> TIME_SHIFT) << TIME_UNIT_SHIFT,
    };
}

struct shadow_entry shadow_look_up(const struct shadow *shadow, uintptr_t address)
{
    return decode(entry_at(shadow, address));
}

/* What has to stay the same in a run, but for the origins. */
static uint64_t run_mask(uint64_t entry)
{
    return STATE_MASK | site_mask(entry);
}

/* Origin, state and call site of one half page. The site is that of whoever mapped: a half that is nobody's or the
 * loader's has none, though the other one has. */
static uint64_t key_of(uint64_t entry, uintptr_t address)
{
    uint64_t origin = entry >> ((address & HALF_PAGE_BYTES) != 0 ? ORIGIN_BITS : 0) & ORIGIN_MASK;
    bool has_site = origin == ORIGIN_GO || origin == ORIGIN_C;
    return origin | (entry & (has_site ? run_mask(entry) : STATE_MASK));
}

/* How far entries of a leaf carry the run on from `at`. Whole pages first and by one comparison each: a dump passes
 * here for every page of the heap. */
static uintptr_t run_in_leaf(const _Atomic uint64_t *leaf, uintptr_t at, uintptr_t end, uint64_t key)
{
    uint64_t both_halves = key | (key & ORIGIN_MASK) << ORIGIN_BITS;
    uint64_t mask = run_mask(key) | ORIGIN_MASK | ORIGIN_MASK << ORIGIN_BITS;
    if ((at & HALF_PAGE_BYTES) != 0) {
        if (key_of(load_entry(leaf, at), at) != key)
            return at;
        at += HALF_PAGE_BYTES;
    }
    while (at < end) {
        uint64_t entry = load_entry(leaf, at);
        if ((entry & mask) == both_halves) {
            at += GO_PAGE_BYTES;
            continue;
        }
        /* Half of it, or all: a page may have a site that neither half's key has. */
        for (int half = 0; half < 2; half++, at += HALF_PAGE_BYTES) {
            if (key_of(entry, at) != key)
                return min_u64(at, end);
        }
    }
    return min_u64(at, end);
}

static uintptr_t run_in_slot(const struct shadow *shadow, uintptr_t at, uintptr_t end, uint64_t key)
{
    uint64_t slot = atomic_load_explicit(&shadow->slots[at / GO_ARENA_BYTES], memory_order_acquire);
    if (slot != 0 && leaf_of_slot(slot) != NULL)
        return run_in_leaf(leaf_of_slot(slot), at, end, key);
    /* Only whole slots are uniform: both halves of every page are alike. */
    return key_of(slot >> 1, 0) == key ? end : at;
}

uintptr_t shadow_run(const struct shadow *shadow, uintptr_t start, uintptr_t end, struct shadow_entry *entry)
{
    uint64_t first = entry_at(shadow, start);
    uint64_t key = key_of(first, start);
    *entry = decode(first);
    entry->origin[0] = (enum shadow_origin)(key & ORIGIN_MASK);
    entry->site = (uint16_t)((key & site_mask(key)) >> COUNT_SHIFT);
    uintptr_t limit = min_u64(end, shadow->slots_count * GO_ARENA_BYTES);
    if (start >= limit)
        return end;
    /* The entry may change meanwhile: what was read first counts, so that every run has a length. */
    uintptr_t at = min_u64(align_down(start, HALF_PAGE_BYTES) + HALF_PAGE_BYTES, limit);
    while (at < limit) {
        uintptr_t slot_end = min_u64(align_down(at, GO_ARENA_BYTES) + GO_ARENA_BYTES, limit);
        at = run_in_slot(shadow, at, slot_end, key);
        if (at < slot_end)
            return at;
    }
    return at;
}
