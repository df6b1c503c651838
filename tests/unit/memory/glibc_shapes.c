/* SPDX-License-Identifier: Apache-2.0
 *
 * glibc's memory is known by its shape: real arenas, large blocks and thread stacks are found with their exact bounds,
 * anything else is not taken for them.
 */
#include "memory/glibc_shapes.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/units.h"
#include "tests/unit/support/fake_memory.h"
#include "tests/unit/support/random.h"

enum { PAGE_BYTES = 4096, SMALL_BYTES = 100 << 10, SMALL_BLOCKS = 1000 };

/* What a thread tells of itself, and then waits so that it can be looked at. */
struct told {
    pthread_barrier_t is_ready, is_seen;
    uintptr_t blocks[SMALL_BLOCKS];
    unsigned blocks_count;
    uintptr_t stack_start, stack_end;
    uint32_t tid;
};

static void *tell(void *argument)
{
    struct told *told = argument;
    pthread_attr_t attributes;
    void *start;
    size_t bytes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &start, &bytes);
    pthread_attr_destroy(&attributes);
    told->stack_start = (uintptr_t)start;
    told->stack_end = (uintptr_t)start + bytes;
    told->tid = (uint32_t)gettid();
    for (unsigned i = 0; i < told->blocks_count; i++)
        told->blocks[i] = (uintptr_t)malloc(SMALL_BYTES);
    pthread_barrier_wait(&told->is_ready);
    pthread_barrier_wait(&told->is_seen);
    return NULL;
}

static pthread_t start_telling(struct told *told, unsigned blocks_count)
{
    pthread_t thread;
    told->blocks_count = blocks_count;
    pthread_barrier_init(&told->is_ready, NULL, 2);
    pthread_barrier_init(&told->is_seen, NULL, 2);
    cr_assert_eq(pthread_create(&thread, NULL, tell, told), 0);
    pthread_barrier_wait(&told->is_ready);
    return thread;
}

static void end_telling(struct told *told, pthread_t thread)
{
    pthread_barrier_wait(&told->is_seen);
    pthread_join(thread, NULL);
}

static struct told told;
static struct reader_process self;

static void open_reader(void)
{
    reader_process_open(&self, getpid());
}

TestSuite(glibc_shapes, .init = open_reader);

/* A thread's arena: the first heap, and with 100 MB in small blocks a second one behind it. */
Test(glibc_shapes, finds_the_arena_of_a_thread_and_its_later_heap)
{
    pthread_t thread = start_telling(&told, SMALL_BLOCKS);
    unsigned heaps = 0;
    uintptr_t heap_before = 0;
    for (unsigned i = 0; i < SMALL_BLOCKS; i++) {
        uintptr_t heap = align_down(told.blocks[i], GLIBC_HEAP_ALIGN_BYTES);
        uint64_t bytes = glibc_heap_bytes(&self.reader, heap, heap + GLIBC_HEAP_ALIGN_BYTES, PAGE_BYTES);
        cr_assert_neq(bytes, 0, "block %u", i);
        cr_assert_eq(bytes % PAGE_BYTES, 0);
        cr_assert_lt(told.blocks[i] - heap, bytes, "block %u lies in its heap", i);
        heaps += heap != heap_before;
        heap_before = heap;
    }
    cr_expect_eq(heaps, 2);
    uintptr_t heap = align_down(told.blocks[0], GLIBC_HEAP_ALIGN_BYTES);
    cr_expect_eq(glibc_heap_bytes(&self.reader, heap, heap + PAGE_BYTES, PAGE_BYTES), PAGE_BYTES, "cut at the bound");
    cr_expect_eq(glibc_heap_bytes(&self.reader, heap + PAGE_BYTES, heap + GLIBC_HEAP_ALIGN_BYTES, PAGE_BYTES), 0);
    end_telling(&told, thread);
}

Test(glibc_shapes, finds_large_blocks_with_their_exact_size)
{
    static const uint64_t SIZES[] = {200 << 10, 1 << 20, (1 << 20) + 1, 33 << 20};
    mallopt(M_MMAP_THRESHOLD, 128 << 10); /* set once, it does not move with what was freed before */
    for (unsigned i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        char *block = malloc(SIZES[i]);
        uintptr_t start = (uintptr_t)block - 16;
        cr_assert_eq(start % PAGE_BYTES, 0, "malloc mapped it");
        uint64_t expected = (malloc_usable_size(block) + 16 + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
        cr_expect_eq(glibc_large_block_bytes(&self.reader, start, start + expected, PAGE_BYTES), expected);
        cr_expect_eq(glibc_large_block_bytes(&self.reader, start, start + expected - 1, PAGE_BYTES), 0,
                     "a block does not reach over its mapping");
        free(block);
    }
}

Test(glibc_shapes, finds_the_thread_at_the_top_of_its_stack_and_nowhere_else)
{
    pthread_t thread = start_telling(&told, 0);
    struct glibc_thread found = {0, 0};
    cr_assert(glibc_thread_on_page(&self.reader, told.stack_end - PAGE_BYTES, PAGE_BYTES, &found));
    cr_expect_eq(found.stack_end, told.stack_end);
    cr_expect_eq(found.tid, told.tid);
    for (uintptr_t page = told.stack_end - 64 * PAGE_BYTES; page < told.stack_end - PAGE_BYTES; page += PAGE_BYTES)
        cr_expect_not(glibc_thread_on_page(&self.reader, page, PAGE_BYTES, &found));
    end_telling(&told, thread);
    /* glibc keeps the stack of a thread that has ended. */
    if (glibc_thread_on_page(&self.reader, told.stack_end - PAGE_BYTES, PAGE_BYTES, &found))
        cr_expect_eq(found.tid, 0);
}

Test(glibc_shapes, finds_a_thread_where_os_pages_are_large)
{
    pthread_t thread = start_telling(&told, 0);
    struct glibc_thread found = {0, 0};
    cr_assert(glibc_thread_on_page(&self.reader, told.stack_end - 16 * PAGE_BYTES, 16 * PAGE_BYTES, &found));
    cr_expect_eq(found.stack_end, told.stack_end);
    cr_expect_eq(found.tid, told.tid);
    end_telling(&told, thread);
}

Test(glibc_shapes, what_cannot_be_read_is_none)
{
    struct glibc_thread found;
    void *hole = mmap(NULL, PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(hole, PAGE_BYTES);
    cr_expect_eq(glibc_heap_bytes(&self.reader, 0x10000000000, 0x10004000000, PAGE_BYTES), 0);
    cr_expect_eq(glibc_large_block_bytes(&self.reader, (uintptr_t)hole, (uintptr_t)hole + PAGE_BYTES, PAGE_BYTES), 0);
    cr_expect_not(glibc_thread_on_page(&self.reader, (uintptr_t)hole, PAGE_BYTES, &found));
}

enum { HEAP = 0x7f0000000000 };

Test(glibc_shapes, a_heap_counts_only_when_every_part_agrees)
{
    static const struct {
        uint64_t arena, previous, size, accessible, bytes;
    } CASES[] = {
        {HEAP + 0x30, 0, 0x21000, 0x21000, 0x21000},
        {HEAP + 0x20, 0, 0x1000, 0x84000, 0x84000},
        {HEAP + 0x30, 0, 0x4000000, 0x4000000, 0x4000000},
        {HEAP - 0x4000000 + 0x30, HEAP - 0x4000000, 0x1000, 0x1000, 0x1000}, /* a later heap */
        {0, 0, 0, 0, 0},
        {HEAP, 0, 0x21000, 0x21000, 0},                         /* the arena stands behind the heap_info */
        {HEAP + 0x61, 0, 0x21000, 0x21000, 0},                  /* but not far behind */
        {HEAP + 0x4000030, 0, 0x21000, 0x21000, 0},             /* a first heap holds its arena */
        {HEAP + 0x30, HEAP - 0x4000000, 0x21000, 0x21000, 0},   /* a later one does not */
        {HEAP - 0x4000000 + 0x30, HEAP - 8, 0x1000, 0x1000, 0}, /* heaps are aligned */
        {HEAP + 0x30, 0, 0x21000, 0, 0},
        {HEAP + 0x30, 0, 0x1000, 0x21001, 0},
        {HEAP + 0x30, 0, 0x22000, 0x21000, 0},
        {HEAP + 0x30, 0, 0x1000, 0x4001000, 0},
        {HEAP + 0x30, 0, UINT64_MAX, UINT64_MAX & ~0xfffull, 0},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct fake_memory memory;
        fake_memory_open(&memory);
        fake_memory_add(&memory, HEAP, &CASES[i].arena, 4 * sizeof(uint64_t));
        cr_expect_eq(glibc_heap_bytes(&memory.reader, HEAP, HEAP + GLIBC_HEAP_ALIGN_BYTES, PAGE_BYTES), CASES[i].bytes,
                     "case %u", i);
    }
}

Test(glibc_shapes, a_large_block_counts_only_when_every_part_agrees)
{
    static const struct {
        uint64_t padding, size, bytes;
    } CASES[] = {
        {0, 0x21000 | 2, 0x21000}, {0, 0x40000 | 2, 0x40000}, {0, 0x41000 | 2, 0}, /* reaches over the end */
        {0, 0x21000, 0},           {0, 0x21000 | 3, 0},       {0, 0x21000 | 6, 0},   {1, 0x21000 | 2, 0}, {0, 2, 0},
        {0, 0x800 | 2, 0},         {0, 0x21010 | 2, 0},       {0, ~0xfffull | 2, 0}, {0, 0, 0},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct fake_memory memory;
        fake_memory_open(&memory);
        fake_memory_add(&memory, HEAP, &CASES[i].padding, 2 * sizeof(uint64_t));
        cr_expect_eq(glibc_large_block_bytes(&memory.reader, HEAP, HEAP + 0x40000, PAGE_BYTES), CASES[i].bytes,
                     "case %u", i);
    }
}

Test(glibc_shapes, random_memory_is_not_taken_for_any)
{
    static uint64_t page[PAGE_BYTES / 8];
    struct random random = {5};
    struct fake_memory memory;
    struct glibc_thread found;
    fake_memory_open(&memory);
    fake_memory_add(&memory, HEAP, page, sizeof page);
    for (int round = 0; round < 3000; round++) {
        for (unsigned i = 0; i < PAGE_BYTES / 8; i++) {
            /* Not quite random: small numbers, zeros and near addresses are what memory is full of. */
            switch (random_below(&random, 4)) {
            case 0:
                page[i] = random_next(&random);
                break;
            case 1:
                page[i] = HEAP + random_below(&random, PAGE_BYTES);
                break;
            case 2:
                page[i] = random_below(&random, 100000);
                break;
            default:
                page[i] = 0;
            }
        }
        cr_assert_eq(glibc_heap_bytes(&memory.reader, HEAP, HEAP + GLIBC_HEAP_ALIGN_BYTES, PAGE_BYTES), 0);
        cr_assert_eq(glibc_large_block_bytes(&memory.reader, HEAP, HEAP + PAGE_BYTES, PAGE_BYTES), 0);
        cr_assert_not(glibc_thread_on_page(&memory.reader, HEAP, PAGE_BYTES, &found));
    }
}
