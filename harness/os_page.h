/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel tells of one page of a process: /proc/PID/pagemap, PAGEMAP_SCAN, and, to root, the frame's flags and
 * how often it is mapped.
 */
#ifndef GPW_HARNESS_OS_PAGE_H
#define GPW_HARNESS_OS_PAGE_H

#include <stddef.h>

#include "harness/page_facts.h"
#include "memory/residency.h"

/* The bits of a pagemap entry (Documentation/admin-guide/mm/pagemap.rst). */
#define OS_PAGE_PRESENT (1ull << 63)
#define OS_PAGE_SWAPPED (1ull << 62)
#define OS_PAGE_FILE (1ull << 61)
#define OS_PAGE_GUARD (1ull << 58)
#define OS_PAGE_EXCLUSIVE (1ull << 56)
#define OS_PAGE_SOFT_DIRTY (1ull << 55)
#define OS_PAGE_FRAME ((1ull << 55) - 1)

/* Fills what the entry itself tells. */
void os_page_decode(struct os_page *page, uint64_t entry);

/* Looks at the page that holds `address`. `residency` is open on the process's pagemap; what cannot be read stands in
 * the facts. */
void os_page_look(struct os_page *page, uintptr_t address, struct residency *residency);

/* Flags and count of a frame: 0, or -errno; -ENXIO: there is no such frame. */
int os_frame_flags(uint64_t frame, uint64_t *flags);
int os_frame_count(uint64_t frame, uint64_t *count);

/* The frame of a page of our own that was just written to; 0: frames are hidden from us. `entry` may be NULL. */
uint64_t os_page_own_frame(uint64_t *entry);

enum { FRAME_FLAG_ZERO_PAGE = 24 };

/* The names of the flags that are set, with a space between them, as /proc/kpageflags has them. Those that this version
 * does not know are "bitN". Cut at `bytes`. */
void os_frame_flags_text(uint64_t flags, char *text, size_t bytes);

#endif
