/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's region: pieces are zeroed, apart and on pages of their own, what is not taken has no access, and its end
 * is an answer.
 */
#include "preload/region.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "memory/reader.h"

enum { PIECE_BYTES = 64 << 10, THREADS = 8, PIECES = 200 };

static struct region region;

static bool is_readable(uintptr_t address)
{
    struct reader_process self;
    uint8_t byte;
    reader_process_open(&self, getpid());
    bool is_read = reader_read(&self.reader, address, &byte, 1);
    reader_process_close(&self);
    return is_read;
}

Test(region, hands_out_zeroed_pieces_front_to_back_until_it_is_used_up)
{
    cr_assert(region_open(&region, 4 * PIECE_BYTES));
    cr_expect_not(is_readable(region.start), "no access before it is taken");
    static const uint64_t SIZES[] = {1, PIECE_BYTES, PIECE_BYTES + 1};
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *piece = region_take(&region, SIZES[i]);
        cr_assert_eq((uintptr_t)piece, region.start + i * (uint64_t)PIECE_BYTES);
        for (uint64_t k = 0; k < SIZES[i]; k++)
            cr_assert_eq(piece[k], 0);
        memset(piece, 0xff, SIZES[i]);
    }
    cr_expect_eq(atomic_load(&region.taken_bytes), 4 * PIECE_BYTES);
    cr_expect_null(region_take(&region, 1));
    cr_expect_eq(atomic_load(&region.taken_bytes), 4 * PIECE_BYTES);
}

Test(region, what_does_not_fit_is_refused_and_leaves_the_rest)
{
    static const uint64_t SIZES[] = {5 * PIECE_BYTES, UINT64_MAX, UINT64_MAX - PIECE_BYTES, 1ull << 63};
    cr_assert(region_open(&region, 4 * PIECE_BYTES));
    for (unsigned i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++)
        cr_expect_null(region_take(&region, SIZES[i]));
    cr_expect_not_null(region_take(&region, 4 * PIECE_BYTES));
}

Test(region, what_was_never_opened_gives_nothing)
{
    struct region never = {0};
    cr_expect_null(region_take(&never, 1));
}

Test(region, stacks_have_a_guard_below_each)
{
    enum { STACKS = 3, STACK_BYTES = 2 * PIECE_BYTES };
    cr_assert(region_open(&region, (uint64_t)STACKS * (STACK_BYTES + REGION_GUARD_BYTES) + 3 * PIECE_BYTES));
    uint8_t *before = region_take(&region, PIECE_BYTES);
    uint8_t *first = region_take_stacks(&region, STACK_BYTES, STACKS);
    uint8_t *behind = region_take(&region, PIECE_BYTES);
    cr_assert(before != NULL && first != NULL && behind != NULL);
    for (unsigned i = 0; i < STACKS; i++) {
        uint8_t *stack = first + i * (uint64_t)(STACK_BYTES + REGION_GUARD_BYTES);
        memset(stack, 0xff, STACK_BYTES);
        for (uint64_t at = 1; at <= REGION_GUARD_BYTES; at += 4095)
            cr_expect_not(is_readable((uintptr_t)stack - at), "stack %u", i);
        cr_expect_leq(stack + STACK_BYTES, behind);
        cr_expect_geq(stack - REGION_GUARD_BYTES, before + PIECE_BYTES);
    }
    cr_expect(is_readable((uintptr_t)behind));
    cr_expect_null(region_take_stacks(&region, PIECE_BYTES, 1), "a guard would not fit");
}

Test(region, takes_less_where_address_space_is_limited)
{
    /* What the process has already, and 256 MiB more. */
    uint64_t have_pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    cr_assert_eq(fscanf(statm, "%lu", &have_pages), 1);
    fclose(statm);
    struct rlimit limit = {have_pages * 4096 + (256 << 20), RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    cr_assert(region_open(&region, 1 << 30));
    cr_expect_leq(region.bytes, 256 << 20);
    cr_expect_geq(region.bytes, (1 << 30) / 16);
    cr_expect_not_null(region_take(&region, 1));
    struct region other = {0};
    cr_expect_not(region_open(&other, 16ull << 30), "not even a sixteenth");
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_AS, &limit);
}

static uint8_t *taken[THREADS][PIECES];

static void *take_pieces(void *argument)
{
    uint8_t **pieces = argument;
    for (int i = 0; i < PIECES; i++) {
        pieces[i] = region_take(&region, PIECE_BYTES);
        if (pieces[i] != NULL)
            memset(pieces[i], (int)((pieces - taken[0]) / PIECES) + 1, 4096);
    }
    return NULL;
}

Test(region, threads_get_pieces_of_their_own)
{
    enum { ROOM = THREADS * PIECES - 100 };
    pthread_t threads[THREADS];
    uint64_t got = 0;
    cr_assert(region_open(&region, (uint64_t)ROOM * PIECE_BYTES));
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, take_pieces, taken[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        for (int k = 0; k < PIECES && taken[i][k] != NULL; k++, got++) {
            for (int byte = 0; byte < 4096; byte += 512)
                cr_assert_eq(taken[i][k][byte], i + 1);
        }
    }
    cr_expect_eq(got, ROOM, "all of it, and no more");
}
