/* SPDX-License-Identifier: Apache-2.0
 *
 * What is free in a heap of malloc: in made-up heaps page by page, in this process's own as much as mallinfo2 says.
 */
#include "memory/glibc_chunks.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/fake_memory.h"

#define HEAP 0x560000000000ull

enum {
    PAGE_BYTES = 4096,
    PAGES = 64,
    HEAP_BYTES = PAGES * PAGE_BYTES,
    IN_USE = 1, /* of the chunk before */
    UNITS_OF_PAGE = PAGE_BYTES / GLIBC_CHUNK_ALIGN_BYTES,
};

static uint8_t content[HEAP_BYTES], buffer[GLIBC_CHUNK_WINDOW_BYTES];
static uint16_t free_units[PAGES];
static struct fake_memory memory;
static struct glibc_chunks chunks;
static uint64_t at, last_bytes;
static bool is_last_free;

static void put(uint64_t offset, uint64_t word)
{
    memcpy(content + offset, &word, sizeof word);
}

/* The next chunk of the heap, as malloc would write it. */
static void add_chunk(uint64_t bytes, bool is_free)
{
    if (is_last_free)
        put(at, last_bytes);
    put(at + 8, bytes | (is_last_free ? 0 : IN_USE));
    at += bytes;
    last_bytes = bytes;
    is_last_free = is_free;
}

static void add_top(void)
{
    add_chunk(HEAP_BYTES - at, false);
}

static void open_heap(void)
{
    fake_memory_open(&memory);
    fake_memory_add(&memory, HEAP, content, sizeof content);
    chunks = (struct glibc_chunks){&memory.reader, buffer, PAGE_BYTES, 1 << 30, 0};
}

TestSuite(glibc_chunks, .init = open_heap);

static enum glibc_walk walk_whole(void)
{
    struct glibc_heap heap = glibc_heap_of_brk(HEAP, HEAP + HEAP_BYTES);
    return glibc_chunks_walk(&chunks, &heap, free_units);
}

static uint64_t free_bytes(void)
{
    uint64_t units = 0;
    for (int i = 0; i < PAGES; i++)
        units += free_units[i];
    return units * GLIBC_CHUNK_ALIGN_BYTES;
}

Test(glibc_chunks, free_chunks_and_the_top_are_free_page_by_page)
{
    add_chunk(0x290, false);
    add_chunk(PAGE_BYTES - 0x290 - 64, false);
    add_chunk(PAGE_BYTES + 128, true); /* 64 bytes of page 0, all of page 1, 64 of page 2 */
    add_chunk(3 * PAGE_BYTES, false);
    add_chunk(32, true);
    add_chunk(32, false);
    add_top();
    uint64_t top_bytes = last_bytes;
    cr_assert_eq(walk_whole(), GLIBC_WALKED);
    cr_expect_eq(free_units[0], 64 / GLIBC_CHUNK_ALIGN_BYTES);
    cr_expect_eq(free_units[1], UNITS_OF_PAGE);
    cr_expect_eq(free_units[2], 64 / GLIBC_CHUNK_ALIGN_BYTES);
    cr_expect_eq(free_units[3], 0);
    cr_expect_eq(free_units[PAGES - 1], UNITS_OF_PAGE);
    cr_expect_eq(free_bytes(), PAGE_BYTES + 128 + 32 + top_bytes);
}

Test(glibc_chunks, a_chain_that_does_not_hold_counts_for_nothing)
{
    static const struct {
        const char *what;
        uint64_t offset, word;
    } BROKEN[] = {
        {"a size of no multiple of 16", 0x290 + 8, 0x108 | IN_USE},
        {"a size beyond any heap", 0x290 + 8, 1ull << 40 | IN_USE},
        {"no size", 0x290 + 8, IN_USE},
        {"a mapped chunk", 0x290 + 8, 0x400 | 2 | IN_USE},
        {"a free chunk whose end says another size", 0x690, 0x410},
        {"nothing before the first chunk", 8, 0x290},
    };
    for (unsigned i = 0; i < sizeof BROKEN / sizeof BROKEN[0]; i++) {
        memset(content, 0, sizeof content);
        at = 0;
        is_last_free = false;
        add_chunk(0x290, false);
        add_chunk(0x400, true);
        add_chunk(0x400, false);
        add_top();
        cr_assert_eq(walk_whole(), GLIBC_WALKED);
        put(BROKEN[i].offset, BROKEN[i].word);
        chunks.rereads = 0;
        cr_expect_eq(walk_whole(), GLIBC_WALK_TORN, "%s", BROKEN[i].what);
        cr_expect_eq(free_bytes(), 0, "%s", BROKEN[i].what);
        cr_expect_eq(chunks.rereads, 2, "%s", BROKEN[i].what);
    }
}

Test(glibc_chunks, a_top_that_has_grown_or_is_cut_off_is_not_guessed)
{
    add_chunk(0x290, false);
    add_chunk(0x400, true);
    add_chunk(0x400, false);
    put(at + 8, (HEAP_BYTES - at + 8 * PAGE_BYTES) | IN_USE);
    cr_assert_eq(walk_whole(), GLIBC_WALKED);
    cr_expect_eq(free_bytes(), 0x400);
}

/* A thread's heap that is full, and brk memory behind which somebody else's lies. */
Test(glibc_chunks, a_fence_ends_the_chain)
{
    add_chunk(0x290, false);
    add_chunk(HEAP_BYTES - at - 32, true);
    put(at, last_bytes);
    put(at + 8, 16);
    put(at + 24, IN_USE);
    cr_assert_eq(walk_whole(), GLIBC_WALKED);
    cr_expect_eq(free_bytes(), last_bytes);

    memset(content, 0xee, sizeof content);
    at = 0;
    is_last_free = false;
    add_chunk(0x290, false);
    add_chunk(0x400, true);
    put(at, last_bytes);
    put(at + 8, 16);
    cr_assert_eq(walk_whole(), GLIBC_WALKED);
    cr_expect_eq(free_bytes(), 0x400);
}

Test(glibc_chunks, reads_no_more_than_it_may_and_little_of_large_chunks)
{
    add_chunk(0x290, false);
    add_chunk(HEAP_BYTES - at - 2 * PAGE_BYTES, false);
    add_top();
    uint64_t before = chunks.bytes_left;
    cr_assert_eq(walk_whole(), GLIBC_WALKED);
    cr_expect_leq(before - chunks.bytes_left, 2 * PAGE_BYTES);

    chunks.bytes_left = PAGE_BYTES;
    cr_expect_eq(walk_whole(), GLIBC_WALK_TOO_LONG);
    cr_expect_eq(free_bytes(), 0);
}

Test(glibc_chunks, a_heap_of_other_things_is_none)
{
    cr_expect_eq(walk_whole(), GLIBC_WALK_TORN);
    memset(content, 0xff, sizeof content);
    cr_expect_eq(walk_whole(), GLIBC_WALK_TORN);
    memory.segments_count = 0;
    cr_expect_eq(walk_whole(), GLIBC_WALK_TORN);
}

/* ---- the own heap ---- */

static bool find_brk(uintptr_t *start, uintptr_t *end)
{
    char line[512];
    unsigned long from, to;
    bool is_found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && !is_found && fgets(line, sizeof line, maps) != NULL)
        is_found = strstr(line, "[heap]") != NULL && sscanf(line, "%lx-%lx", &from, &to) == 2;
    if (maps != NULL)
        fclose(maps);
    *start = is_found ? from : 0;
    *end = is_found ? to : 0;
    return is_found;
}

struct look {
    uint64_t walked_bytes, told_bytes;
};

/* malloc is not called between the two. */
static struct look look_at(uintptr_t start, uintptr_t end)
{
    static uint16_t own_units[1 << 16];
    struct glibc_heap heap = glibc_heap_of_brk(start, end);
    struct mallinfo2 info = mallinfo2();
    struct look look = {0, info.fordblks - info.fsmblks};
    cr_assert_lt((end - start) / PAGE_BYTES, sizeof own_units / sizeof own_units[0]);
    cr_assert_eq(glibc_chunks_walk(&chunks, &heap, own_units), GLIBC_WALKED);
    for (uint64_t i = 0; i < (end - start) / PAGE_BYTES; i++)
        look.walked_bytes += (uint64_t)own_units[i] * GLIBC_CHUNK_ALIGN_BYTES;
    return look;
}

/* What mallinfo2 says of other arenas does not change meanwhile. */
Test(glibc_chunks, as_much_becomes_free_in_the_own_heap_as_mallinfo2_says)
{
    enum { BLOCKS = 20000 };
    static char *blocks[BLOCKS];
    struct reader_process self;
    uintptr_t start, end;
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(24 + i * 37 % 3000);
    cr_assert(find_brk(&start, &end));
    reader_process_open(&self, getpid());
    chunks.reader = &self.reader;
    struct look before = look_at(start, end);
    for (unsigned i = 0; i < BLOCKS; i += 3)
        free(blocks[i]);
    struct look after = look_at(start, end);
    cr_expect_geq(after.walked_bytes, 5u << 20);
    cr_expect_eq(after.walked_bytes - before.walked_bytes, after.told_bytes - before.told_bytes);
    reader_process_close(&self);
}

static void expect_chunk(uint64_t offset, enum glibc_chunk_state state, uint64_t start, uint64_t bytes)
{
    struct glibc_heap heap = glibc_heap_of_brk(HEAP, HEAP + HEAP_BYTES);
    struct glibc_chunk chunk;
    cr_assert_eq(glibc_chunks_find(&chunks, &heap, HEAP + offset, &chunk), GLIBC_WALKED);
    cr_expect_eq(chunk.state, state, "0x%lx: %d", offset, chunk.state);
    cr_expect_eq(chunk.start, HEAP + start, "0x%lx: 0x%lx", offset, chunk.start);
    cr_expect_eq(chunk.bytes, bytes, "0x%lx: %lu", offset, chunk.bytes);
}

Test(glibc_chunks, the_chunk_of_an_address_is_found_to_the_byte)
{
    add_chunk(0x290, false);
    add_chunk(0x70, false);
    add_chunk(5 * PAGE_BYTES, true);
    add_chunk(0x30, false);
    add_top();
    expect_chunk(0, GLIBC_CHUNK_USED, 0, 0x290);
    expect_chunk(0x28f, GLIBC_CHUNK_USED, 0, 0x290);
    expect_chunk(0x290, GLIBC_CHUNK_USED, 0x290, 0x70);
    expect_chunk(0x300, GLIBC_CHUNK_FREE, 0x300, 5 * PAGE_BYTES);
    expect_chunk(0x300 + 5 * PAGE_BYTES - 1, GLIBC_CHUNK_FREE, 0x300, 5 * PAGE_BYTES);
    expect_chunk(0x300 + 5 * PAGE_BYTES, GLIBC_CHUNK_USED, 0x300 + 5 * PAGE_BYTES, 0x30);
    expect_chunk(0x330 + 5 * PAGE_BYTES, GLIBC_CHUNK_TOP, 0x330 + 5 * PAGE_BYTES, HEAP_BYTES - 0x330 - 5 * PAGE_BYTES);
    expect_chunk(HEAP_BYTES - 1, GLIBC_CHUNK_TOP, 0x330 + 5 * PAGE_BYTES, HEAP_BYTES - 0x330 - 5 * PAGE_BYTES);
    /* A chain that does not hold tells nothing, whatever was passed on the way. */
    put(0x300 + 5 * PAGE_BYTES + 8, 0x38);
    struct glibc_heap heap = glibc_heap_of_brk(HEAP, HEAP + HEAP_BYTES);
    struct glibc_chunk chunk;
    cr_expect_eq(glibc_chunks_find(&chunks, &heap, HEAP + 0x290, &chunk), GLIBC_WALK_TORN);
    cr_expect_eq(chunk.state, GLIBC_CHUNK_NONE);
}
