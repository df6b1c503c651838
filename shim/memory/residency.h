/* SPDX-License-Identifier: Apache-2.0
 *
 * What is resident: PAGEMAP_SCAN (fs/proc/task_mmu.c:do_pagemap_scan, Linux 6.7+), or /proc/PID/pagemap before that, or
 * what else can tell (a core file).
 *
 * A range is reported as runs of equal state, in address order. Scanned in pieces of 64 MiB (one call over gigabytes
 * stalls threads that map memory) and at most 512 regions a call (beyond that the kernel may return a stale walk_end
 * and a loop would count regions twice).
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_MEMORY_RESIDENCY_H
#define GPW_MEMORY_RESIDENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/pace.h"

enum residency_kind { RESIDENCY_RESIDENT, RESIDENCY_SWAPPED };

struct residency_run {
    uintptr_t start, end;
    enum residency_kind kind;
    bool is_huge; /* mapped by a huge page (PMD) */
};

enum residency_method { RESIDENCY_BY_SCAN, RESIDENCY_BY_PAGEMAP, RESIDENCY_BY_BACK_END };

struct residency;
typedef void residency_callback(void *context, const struct residency_run *run);

/* Calls back for each run in [start, end), a piece of at most 64 MiB. 0, or -errno. */
typedef int residency_back_end(struct residency *residency, uintptr_t start, uintptr_t end,
                               residency_callback *callback, void *context);

struct residency {
    int fd;
    enum residency_method method;
    residency_back_end *back_end; /* RESIDENCY_BY_BACK_END: it lies in a struct that begins with this one */
    bool sees_huge;               /* false: the huge pages are not told apart */
    uint64_t return_mask;
    void *buffer;
    uint64_t buffer_bytes;
    uint64_t os_page_bytes;
    struct pace *pace; /* given way to before each piece; NULL, the default: nobody */
};

enum { RESIDENCY_BUFFER_BYTES = 16 * 1024 };

/* Opens the pagemap file at `path` and finds out what this kernel can do. `buffer`: RESIDENCY_BUFFER_BYTES, aligned to
 * 8, the caller's, in use until residency_close. 0, or -errno. */
int residency_open(struct residency *residency, const char *path, uint64_t os_page_bytes, void *buffer);
/* The same with a pagemap file that is open already; it is the caller's, who does not call residency_close. */
void residency_use(struct residency *residency, int fd, uint64_t os_page_bytes, void *buffer);
void residency_close(struct residency *residency);

/* Calls back for each run in [start, end). 0, or -errno of the piece that failed (runs before it were reported). */
int residency_scan(struct residency *residency, uintptr_t start, uintptr_t end, residency_callback *callback,
                   void *context);

/* What the scan says of one page. */
struct residency_page {
    bool is_present, is_swapped; /* neither: nobody touched it, or it was given up */
    bool is_zero_page;           /* present, and no part of the RSS */
    bool is_huge;                /* mapped by a huge page; false where the scan does not see them */
};

/* Asks about the page that begins at `page`. 0, or -errno; -ENOTSUP: only RESIDENCY_BY_SCAN can tell. */
int residency_look(struct residency *residency, uintptr_t page, struct residency_page *look);

#endif
