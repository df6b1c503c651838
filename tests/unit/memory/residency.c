/* SPDX-License-Identifier: Apache-2.0
 *
 * What is resident: patterns of touched pages against the runs that the scan and the reading of pagemap report.
 *
 * Runs are compared joined: a scan may cut a run where a piece or a call ends, never else.
 */
#include "memory/residency.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/support/random.h"

enum { PAGE_BYTES = 4096, PIECE_BYTES = 64 << 20, RUNS_MAX = 8192 };

struct runs {
    struct residency_run runs[RUNS_MAX];
    unsigned count, callbacks;
    bool is_ordered;
};

static struct runs found, other;
static _Alignas(8) uint8_t scan_buffer[RESIDENCY_BUFFER_BYTES];

static void join_run(void *context, const struct residency_run *run)
{
    struct runs *runs = context;
    struct residency_run *last = runs->count == 0 ? NULL : &runs->runs[runs->count - 1];
    runs->callbacks++;
    runs->is_ordered &= run->start < run->end && (last == NULL || last->end <= run->start);
    if (last != NULL && last->end == run->start && last->kind == run->kind && last->is_huge == run->is_huge)
        last->end = run->end;
    else if (runs->count < RUNS_MAX)
        runs->runs[runs->count++] = *run;
}

static int scan(enum residency_method method, const void *start, uint64_t bytes, struct runs *runs)
{
    struct residency residency;
    cr_assert_eq(residency_open(&residency, "/proc/self/pagemap", PAGE_BYTES, scan_buffer), 0);
    if (method == RESIDENCY_BY_SCAN && residency.method != RESIDENCY_BY_SCAN)
        cr_skip_test("this kernel has no PAGEMAP_SCAN");
    residency.method = method;
    *runs = (struct runs){.is_ordered = true};
    int error = residency_scan(&residency, (uintptr_t)start, (uintptr_t)start + bytes, join_run, runs);
    residency_close(&residency);
    cr_expect_eq(residency.fd, -1);
    cr_expect(runs->is_ordered, "runs are not empty, in address order and apart");
    return error;
}

/* Memory in small pages. */
static uint8_t *map(uint64_t bytes)
{
    uint8_t *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cr_assert_neq(start, MAP_FAILED);
    madvise(start, bytes, MADV_NOHUGEPAGE);
    return start;
}

static void expect_pattern(const struct runs *runs, const uint8_t *start, const char *pattern)
{
    unsigned next = 0;
    for (uint64_t page = 0; pattern[page] != '\0';) {
        if (pattern[page] != '#') {
            page++;
            continue;
        }
        uint64_t end = page;
        while (pattern[end] == '#')
            end++;
        cr_assert_lt(next, runs->count, "%s: run %u is missing", pattern, next);
        cr_expect_eq(runs->runs[next].start, (uintptr_t)start + page * PAGE_BYTES, "%s: run %u", pattern, next);
        cr_expect_eq(runs->runs[next].end, (uintptr_t)start + end * PAGE_BYTES, "%s: run %u", pattern, next);
        cr_expect_eq(runs->runs[next].kind, RESIDENCY_RESIDENT);
        cr_expect_not(runs->runs[next].is_huge);
        next++;
        page = end;
    }
    cr_expect_eq(runs->count, next, "%s: %u runs", pattern, runs->count);
}

static void check_patterns(enum residency_method method)
{
    static const char *const PATTERNS[] = {"....", "#...", "...#", "####", ".##.", "#.#.#.#.", "##..#...##", "#"};
    for (unsigned i = 0; i < sizeof PATTERNS / sizeof PATTERNS[0]; i++) {
        uint64_t pages = strlen(PATTERNS[i]);
        uint8_t *start = map(pages * PAGE_BYTES);
        for (uint64_t page = 0; page < pages; page++) {
            if (PATTERNS[i][page] == '#')
                start[page * PAGE_BYTES + page] = 1;
        }
        cr_assert_eq(scan(method, start, pages * PAGE_BYTES, &found), 0);
        expect_pattern(&found, start, PATTERNS[i]);
        munmap(start, pages * PAGE_BYTES);
    }
}

Test(residency, scan_reports_the_touched_pages)
{
    check_patterns(RESIDENCY_BY_SCAN);
}

Test(residency, pagemap_reports_the_touched_pages)
{
    check_patterns(RESIDENCY_BY_PAGEMAP);
}

Test(residency, of_nothing_calls_nobody)
{
    uint8_t *start = map(PAGE_BYTES);
    *start = 1;
    cr_expect_eq(scan(RESIDENCY_BY_PAGEMAP, start, 0, &found), 0);
    cr_expect_eq(found.callbacks, 0);
    cr_expect_eq(scan(RESIDENCY_BY_SCAN, start, 0, &found), 0);
    cr_expect_eq(found.callbacks, 0);
}

Test(residency, the_zero_page_is_present_but_not_resident)
{
    uint8_t *start = map(3 * PAGE_BYTES);
    start[0] = 1;
    cr_expect_eq(((volatile uint8_t *)start)[PAGE_BYTES], 0); /* read, never written */
    cr_assert_eq(scan(RESIDENCY_BY_SCAN, start, 3 * PAGE_BYTES, &found), 0);
    expect_pattern(&found, start, "#..");
}

/* More runs than one call returns, and more entries than one read of pagemap. */
Test(residency, both_methods_agree_on_more_regions_than_a_call_returns)
{
    enum { PAGES = 6000 };
    uint8_t *start = map(PAGES * PAGE_BYTES);
    for (int page = 0; page < PAGES; page += 2)
        start[page * PAGE_BYTES] = 1;
    cr_assert_eq(scan(RESIDENCY_BY_PAGEMAP, start, PAGES * PAGE_BYTES, &other), 0);
    cr_expect_eq(other.count, PAGES / 2);
    cr_assert_eq(scan(RESIDENCY_BY_SCAN, start, PAGES * PAGE_BYTES, &found), 0);
    cr_assert_eq(found.count, PAGES / 2);
    for (unsigned i = 0; i < PAGES / 2; i++) {
        uintptr_t page = (uintptr_t)start + 2 * i * PAGE_BYTES;
        cr_assert(found.runs[i].start == page && found.runs[i].end == page + PAGE_BYTES, "scan, run %u", i);
        cr_assert(other.runs[i].start == page && other.runs[i].end == page + PAGE_BYTES, "pagemap, run %u", i);
    }
}

Test(residency, a_run_over_the_end_of_a_piece_is_reported_whole_and_once)
{
    const uint64_t bytes = 3 * (uint64_t)PIECE_BYTES;
    uint8_t *start = map(bytes);
    uint8_t *boundary = (uint8_t *)(((uintptr_t)start + PIECE_BYTES) & ~(uintptr_t)(PIECE_BYTES - 1));
    memset(boundary - 3 * PAGE_BYTES, 1, 8 * PAGE_BYTES);
    boundary[PIECE_BYTES - PAGE_BYTES] = 1;
    static const enum residency_method METHODS[] = {RESIDENCY_BY_PAGEMAP, RESIDENCY_BY_SCAN};
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(scan(METHODS[i], start, bytes, &found), 0);
        cr_assert_eq(found.count, 2, "method %d gives %u runs", i, found.count);
        cr_expect_eq(found.runs[0].start, (uintptr_t)boundary - 3 * PAGE_BYTES);
        cr_expect_eq(found.runs[0].end, (uintptr_t)boundary + 5 * PAGE_BYTES);
        cr_expect_eq(found.runs[1].start, (uintptr_t)boundary + PIECE_BYTES - PAGE_BYTES);
        cr_expect_eq(found.runs[1].end, (uintptr_t)boundary + PIECE_BYTES);
    }
}

Test(residency, methods_agree_with_mincore_on_random_patterns)
{
    enum { PAGES = 3000, ROUNDS = 8 };
    struct random random = {21};
    for (int round = 0; round < ROUNDS; round++) {
        static unsigned char resident[PAGES];
        static char pattern[PAGES + 1];
        uint8_t *start = map(PAGES * PAGE_BYTES);
        for (int page = 0; page < PAGES; page++) {
            if (random_below(&random, (uint64_t)round + 2) != 0)
                start[page * PAGE_BYTES] = 1;
        }
        uint64_t first = random_below(&random, PAGES / 2), pages = 1 + random_below(&random, PAGES / 2);
        cr_assert_eq(mincore(start, PAGES * PAGE_BYTES, resident), 0);
        for (uint64_t page = 0; page < pages; page++)
            pattern[page] = resident[first + page] & 1 ? '#' : '.';
        pattern[pages] = '\0';
        cr_assert_eq(scan(RESIDENCY_BY_PAGEMAP, start + first * PAGE_BYTES, pages * PAGE_BYTES, &found), 0);
        expect_pattern(&found, start + first * PAGE_BYTES, pattern);
        cr_assert_eq(scan(RESIDENCY_BY_SCAN, start + first * PAGE_BYTES, pages * PAGE_BYTES, &found), 0);
        expect_pattern(&found, start + first * PAGE_BYTES, pattern);
        munmap(start, PAGES * PAGE_BYTES);
    }
}

Test(residency, a_huge_page_is_one_run_that_says_so)
{
    enum { HUGE_BYTES = 2 << 20 };
    uint8_t *room = mmap(NULL, 2 * HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *start = (uint8_t *)(((uintptr_t)room + HUGE_BYTES - 1) & ~(uintptr_t)(HUGE_BYTES - 1));
    madvise(start, HUGE_BYTES, MADV_HUGEPAGE);
    *start = 1;
    cr_assert_eq(scan(RESIDENCY_BY_PAGEMAP, start, HUGE_BYTES, &other), 0);
    if (other.count != 1 || other.runs[0].end - other.runs[0].start != HUGE_BYTES)
        cr_skip_test("the kernel gave no huge page");
    cr_assert_eq(scan(RESIDENCY_BY_SCAN, start, HUGE_BYTES, &found), 0);
    cr_assert_eq(found.count, 1);
    cr_expect_eq(found.runs[0].end - found.runs[0].start, HUGE_BYTES);
    cr_expect(found.runs[0].is_huge);
    cr_expect_not(other.runs[0].is_huge, "pagemap does not tell");
}

Test(residency, a_descriptor_that_is_none_is_an_error)
{
    uint8_t *start = map(PAGE_BYTES);
    struct residency residency = {.fd = -1, .buffer = scan_buffer, .os_page_bytes = PAGE_BYTES};
    found = (struct runs){0};
    residency.method = RESIDENCY_BY_SCAN;
    cr_expect_eq(residency_scan(&residency, (uintptr_t)start, (uintptr_t)start + PAGE_BYTES, join_run, &found), -EBADF);
    residency.method = RESIDENCY_BY_PAGEMAP;
    cr_expect_eq(residency_scan(&residency, (uintptr_t)start, (uintptr_t)start + PAGE_BYTES, join_run, &found), -EBADF);
    cr_expect_eq(found.callbacks, 0);
    residency_close(&residency); /* harmless */
}

Test(residency, a_file_that_is_no_pagemap_is_an_error)
{
    struct residency residency;
    cr_expect_eq(residency_open(&residency, "/nonexistent/pagemap", PAGE_BYTES, scan_buffer), -ENOENT);
    cr_assert_eq(residency_open(&residency, "/dev/null", PAGE_BYTES, scan_buffer), 0);
    cr_expect_eq(residency.method, RESIDENCY_BY_PAGEMAP, "the probe failed");
    cr_expect_eq(residency_scan(&residency, 0x10000, 0x20000, join_run, &found), -EIO, "an empty read, not for ever");
    residency_close(&residency);
}

Test(residency, knows_the_scan_where_the_kernel_has_it)
{
    struct residency residency;
    cr_assert_eq(residency_open(&residency, "/proc/self/pagemap", PAGE_BYTES, scan_buffer), 0);
    cr_expect(fcntl(residency.fd, F_GETFD) & FD_CLOEXEC);
    cr_expect(residency.method == RESIDENCY_BY_SCAN || !residency.sees_huge);
    residency_close(&residency);
}
