/* SPDX-License-Identifier: Apache-2.0
 *
 * Heaps with something in them.
 *
 *   arena 0   chunk 0 reserved (go1.26 begins at a random chunk); then, from page 512 on: padding, spans of every class
 *             in every state of sweeping, stacks, work buffers, free and released pages, two P's page caches;
 *             a large object from page 8000 on
 *   arena 1   the large object, all of it
 *   arena 2   its end; spans at random; from page 8190 on a span of three pages
 *   arena 3   the third of them; a large object of one page; chunks from the second on reserved
 *   arena 4   user arena: a chunk in use, one set to fault; nothing of it is in the page allocator
 */
#include <stdlib.h>

#include "tests/unit/support/fake_heap.h"
#include "tests/unit/support/random.h"

/* sizeclasses.go: the smallest, the largest, those with a bitmap of several words or with waste, of several pages */
const struct fake_class FAKE_CLASS[FAKE_CLASSES] = {
    {1, 8, 1},     {2, 16, 1},     {3, 24, 1},      {5, 48, 1},     {7, 80, 1},    {10, 128, 1},
    {21, 352, 1},  {26, 512, 1},   {27, 576, 1},    {32, 1024, 1},  {37, 1792, 2}, {46, 5376, 2},
    {41, 3072, 3}, {59, 16384, 2}, {65, 27264, 10}, {67, 32768, 4},
};

/* Objects at random: mostly by the bits, the first ones by freeindex, some spans full, some empty. */
static void scatter(struct fake_heap *heap, struct fake_span *span, struct random *random)
{
    uint64_t fill = random_below(random, 5);
    if (fill == 0)
        return;
    for (uint64_t slot = 0; slot < span->slots; slot++)
        fake_span_set(heap, span, slot, random_below(random, 4) < fill);
    fake_span_set_free_index(heap, span, fill == 4 ? span->slots : random_below(random, span->slots + 1));
}

void fake_heap_fill(struct fake_heap *heap, uintptr_t start, uint64_t pages, uint64_t seed)
{
    static const enum fake_sweep SWEEPS[] = {FAKE_SWEPT,   FAKE_SWEPT,       FAKE_CACHED,
                                             FAKE_UNSWEPT, FAKE_BEING_SWEPT, FAKE_CACHED_UNSWEPT};
    struct random random = {seed};
    uintptr_t end = start + pages * GO_PAGE_BYTES;
    while (start < end) {
        const struct fake_class *size_class = &FAKE_CLASS[random_below(&random, FAKE_CLASSES)];
        if (size_class->pages * (uint64_t)GO_PAGE_BYTES > end - start)
            size_class = &FAKE_CLASS[0];
        struct fake_span *span = fake_heap_add_span(heap, start, size_class, random_below(&random, 2) != 0,
                                                    SWEEPS[random_below(&random, sizeof SWEEPS / sizeof SWEEPS[0])]);
        scatter(heap, span, &random);
        start += span->pages * GO_PAGE_BYTES;
    }
}

/* Pages one behind the other. */
static uintptr_t next(uintptr_t *at, uint64_t pages)
{
    uintptr_t here = *at;
    *at += pages * GO_PAGE_BYTES;
    return here;
}

static void add_every_class(struct fake_heap *heap, uintptr_t *at, struct random *random)
{
    static const enum fake_sweep SWEEPS[] = {FAKE_SWEPT, FAKE_CACHED, FAKE_UNSWEPT, FAKE_BEING_SWEPT,
                                             FAKE_CACHED_UNSWEPT};
    for (unsigned i = 0; i < FAKE_CLASSES; i++) {
        for (unsigned k = 0; k < sizeof SWEEPS / sizeof SWEEPS[0]; k++) {
            struct fake_span *span =
                fake_heap_add_span(heap, next(at, FAKE_CLASS[i].pages), &FAKE_CLASS[i], k % 2 != 0, SWEEPS[k]);
            scatter(heap, span, random);
            if (SWEEPS[k] == FAKE_CACHED || SWEEPS[k] == FAKE_CACHED_UNSWEPT)
                fake_heap_cache_span(heap, k % FAKE_PS, span);
        }
    }
}

/* mpagecache.go: what is not free in a cache has gone into spans. */
static void add_page_caches(struct fake_heap *heap, uintptr_t base)
{
    const uint64_t free[] = {0xff00ff000ff000f0, UINT64_MAX}, scavenged[] = {0x0f00f00000f00010, 0xaaaaaaaaaaaaaaaa};
    for (unsigned p = 0; p < 2; p++, base += 64 * GO_PAGE_BYTES) {
        fake_heap_set_page_cache(heap, p + 1, base, free[p], scavenged[p]);
        for (unsigned i = 0; i < 64; i++) {
            if ((free[p] >> i & 1) == 0)
                fake_heap_add_large(heap, base + i * GO_PAGE_BYTES, 1);
        }
    }
}

static void populate_first(struct fake_heap *heap, uintptr_t start, struct random *random)
{
    uintptr_t at = start + FAKE_CHUNK_BYTES;
    fake_heap_set_pages(heap, next(&at, 37), 37, true, true, PAGE_RELEASED); /* mpagealloc.go:markRandomPaddingPages */
    add_every_class(heap, &at, random);
    fake_heap_add_manual(heap, next(&at, 4), 4, 2048);
    fake_heap_add_manual(heap, next(&at, 8), 8, 65536);
    fake_heap_add_manual(heap, next(&at, 4), 4, 0);
    fake_heap_set_pages(heap, next(&at, 10), 10, false, false, PAGE_FREE);
    fake_heap_add_manual(heap, next(&at, 1), 1, 8192);
    next(&at, 6); /* released as they are */
    fake_heap_add_large(heap, next(&at, 5), 5);
    /* What spans[] says of free pages is stale. */
    uintptr_t stale = next(&at, 2);
    fake_heap_enter(heap, stale, 2, heap->spans[0].mspan);
    add_page_caches(heap, align_up(at, 64 * GO_PAGE_BYTES));
}

void fake_heap_populate(struct fake_heap *heap, uintptr_t start, uint64_t seed)
{
    struct random random = {seed};
    const uintptr_t second = start + GO_ARENA_BYTES, third = second + GO_ARENA_BYTES, fourth = third + GO_ARENA_BYTES,
                    user = fourth + GO_ARENA_BYTES;
    for (unsigned i = 0; i < 4; i++)
        fake_heap_add_arena(heap, start + (uint64_t)i * GO_ARENA_BYTES, false);
    fake_heap_grow(heap, start + FAKE_CHUNK_BYTES, 3ull * GO_ARENA_BYTES);
    populate_first(heap, start, &random);
    fake_heap_add_large(heap, start + 8000ull * GO_PAGE_BYTES, 192 + GO_ARENA_PAGES + 100);
    fake_heap_fill(heap, third + 512ull * GO_PAGE_BYTES, 300, random_next(&random));
    struct fake_span *crossing =
        fake_heap_add_span(heap, fourth - 2 * GO_PAGE_BYTES, &FAKE_CLASS[12], false, FAKE_SWEPT);
    scatter(heap, crossing, &random);
    fake_heap_add_large(heap, fourth + GO_PAGE_BYTES, 1);
    if (heap->layout->mspan_is_user_arena.bytes == 0)
        return;
    fake_heap_add_arena(heap, user, true);
    fake_heap_add_user_chunk(heap, user + 1024ull * GO_PAGE_BYTES, false);
    fake_heap_add_user_chunk(heap, user + 3072ull * GO_PAGE_BYTES, true);
}
