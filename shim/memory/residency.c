/* SPDX-License-Identifier: Apache-2.0
 *
 * PAGEMAP_SCAN with its probes, and the reading of pagemap that stands in for it.
 */
#include "memory/residency.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "memory/raw.h"
#include "memory/units.h"

/* include/uapi/linux/fs.h; not in the headers of kernels before 6.7 */
struct pagemap_region {
    uint64_t start, end, categories;
};

struct pagemap_scan_argument {
    uint64_t size_bytes, flags, start, end, walk_end, regions, regions_count, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGEMAP_SCAN_REQUEST _IOWR('f', 16, struct pagemap_scan_argument)

enum {
    CATEGORY_PRESENT = 1 << 3,
    CATEGORY_SWAPPED = 1 << 4,
    CATEGORY_ZERO_PAGE = 1 << 5,
    CATEGORY_HUGE = 1 << 6,
};

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_FILE (1ull << 61)
#define PAGEMAP_EXCLUSIVE (1ull << 56)

enum { REGIONS_PER_CALL = 512, PIECE_BYTES = 64 << 20 };

_Static_assert(REGIONS_PER_CALL * sizeof(struct pagemap_region) <= RESIDENCY_BUFFER_BYTES, "the buffer holds a call");

static long scan_call(const struct residency *residency, uintptr_t start, uintptr_t end, uint64_t anyof_mask,
                      uint64_t return_mask, uintptr_t *walk_end)
{
    struct pagemap_scan_argument argument = {
        .size_bytes = sizeof argument,
        .start = start,
        .end = end,
        .regions = (uint64_t)(uintptr_t)residency->buffer,
        .regions_count = REGIONS_PER_CALL,
        .category_anyof_mask = anyof_mask,
        .return_mask = return_mask,
    };
    long found = raw_ioctl(residency->fd, PAGEMAP_SCAN_REQUEST, &argument);
    *walk_end = argument.walk_end;
    return found;
}

/* Each category was added by a kernel of its own: ask for one at a time over a page that need not exist. */
static bool kernel_knows(const struct residency *residency, uint64_t category)
{
    uintptr_t walk_end;
    uintptr_t page = (uintptr_t)residency->buffer & ~(residency->os_page_bytes - 1);
    return !raw_failed(scan_call(residency, page, page + residency->os_page_bytes, category, category, &walk_end));
}

void residency_use(struct residency *residency, int fd, uint64_t os_page_bytes, void *buffer)
{
    const uint64_t needed = CATEGORY_PRESENT | CATEGORY_SWAPPED | CATEGORY_ZERO_PAGE;
    *residency = (struct residency){.fd = fd, .buffer = buffer, .os_page_bytes = os_page_bytes};
    if (!kernel_knows(residency, needed)) {
        residency->method = RESIDENCY_BY_PAGEMAP;
        return;
    }
    residency->method = RESIDENCY_BY_SCAN;
    residency->sees_huge = kernel_knows(residency, CATEGORY_HUGE);
    residency->return_mask = needed | (residency->sees_huge ? (uint64_t)CATEGORY_HUGE : 0);
}

int residency_open(struct residency *residency, const char *path, uint64_t os_page_bytes, void *buffer)
{
    int fd = raw_open(path, O_RDONLY, 0);
    *residency = (struct residency){.fd = -1};
    if (fd < 0)
        return fd;
    residency_use(residency, fd, os_page_bytes, buffer);
    return 0;
}

void residency_close(struct residency *residency)
{
    if (residency->fd >= 0)
        raw_close(residency->fd);
    residency->fd = -1;
}

static void report_region(const struct pagemap_region *region, residency_callback *callback, void *context)
{
    struct residency_run run = {
        .start = region->start,
        .end = region->end,
        .is_huge = (region->categories & CATEGORY_HUGE) != 0,
    };
    if (region->categories & CATEGORY_SWAPPED)
        run.kind = RESIDENCY_SWAPPED;
    else if ((region->categories & CATEGORY_PRESENT) && !(region->categories & CATEGORY_ZERO_PAGE))
        run.kind = RESIDENCY_RESIDENT;
    else
        return;
    callback(context, &run);
}

static int scan_piece(struct residency *residency, uintptr_t start, uintptr_t end, residency_callback *callback,
                      void *context)
{
    const struct pagemap_region *regions = residency->buffer;
    while (start < end) {
        uintptr_t walk_end = end;
        long found =
            scan_call(residency, start, end, CATEGORY_PRESENT | CATEGORY_SWAPPED, residency->return_mask, &walk_end);
        if (raw_failed(found))
            return (int)found;
        for (long i = 0; i < found && i < REGIONS_PER_CALL; i++)
            report_region(&regions[i], callback, context);
        if (walk_end <= start) /* no progress: the kernel would be asked for ever */
            return -EIO;
        start = walk_end;
    }
    return 0;
}

/* The zero page is of no file and of no process's own. So is a page that a forked child shares until one of the two
 * writes to it: those are taken for the zero page here. */
static bool is_resident(uint64_t entry)
{
    return (entry & PAGEMAP_PRESENT) != 0 && (entry & (PAGEMAP_FILE | PAGEMAP_EXCLUSIVE)) != 0;
}

static int read_piece(struct residency *residency, uintptr_t start, uintptr_t end, residency_callback *callback,
                      void *context)
{
    const uint64_t *entries = residency->buffer;
    const uint64_t page_bytes = residency->os_page_bytes;
    struct residency_run run = {0};
    while (start < end) {
        uint64_t want_bytes = min_u64((end - start) / page_bytes * sizeof *entries, RESIDENCY_BUFFER_BYTES);
        long got = raw_pread(residency->fd, residency->buffer, want_bytes, start / page_bytes * sizeof *entries);
        if (raw_failed(got))
            return (int)got;
        uint64_t pages = (uint64_t)got / sizeof *entries;
        if (pages == 0)
            return -EIO;
        for (uint64_t i = 0; i < pages; i++, start += page_bytes) {
            bool is_swapped = (entries[i] & PAGEMAP_SWAPPED) != 0;
            if (!is_swapped && !is_resident(entries[i]))
                continue;
            enum residency_kind kind = is_swapped ? RESIDENCY_SWAPPED : RESIDENCY_RESIDENT;
            if (run.end != start || run.kind != kind) {
                if (run.end != 0)
                    callback(context, &run);
                run = (struct residency_run){.start = start, .kind = kind};
            }
            run.end = start + page_bytes;
        }
    }
    if (run.end != 0)
        callback(context, &run);
    return 0;
}

static residency_back_end *back_end_of(const struct residency *residency)
{
    switch (residency->method) {
    case RESIDENCY_BY_SCAN:
        return scan_piece;
    case RESIDENCY_BY_PAGEMAP:
        return read_piece;
    case RESIDENCY_BY_BACK_END:
        break;
    }
    return residency->back_end;
}

int residency_scan(struct residency *residency, uintptr_t start, uintptr_t end, residency_callback *callback,
                   void *context)
{
    residency_back_end *piece = back_end_of(residency);
    while (start < end) {
        /* [vsyscall] lies in the last piece of all. */
        pace_give_way(residency->pace);
        uintptr_t piece_end = start + min_u64(PIECE_BYTES - start % PIECE_BYTES, end - start);
        int error = piece(residency, start, piece_end, callback, context);
        if (error != 0)
            return error;
        start = piece_end;
    }
    return 0;
}

int residency_look(struct residency *residency, uintptr_t page, struct residency_page *look)
{
    uintptr_t walk_end;
    const struct pagemap_region *regions = residency->buffer;
    *look = (struct residency_page){0};
    if (residency->method != RESIDENCY_BY_SCAN)
        return -ENOTSUP;
    long found = scan_call(residency, page, page + residency->os_page_bytes, CATEGORY_PRESENT | CATEGORY_SWAPPED,
                           residency->return_mask, &walk_end);
    if (raw_failed(found))
        return (int)found;
    if (found > 0) {
        look->is_present = (regions[0].categories & CATEGORY_PRESENT) != 0;
        look->is_swapped = (regions[0].categories & CATEGORY_SWAPPED) != 0;
        look->is_zero_page = (regions[0].categories & CATEGORY_ZERO_PAGE) != 0;
        look->is_huge = (regions[0].categories & CATEGORY_HUGE) != 0;
    }
    return 0;
}
