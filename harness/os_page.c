/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading pagemap, kpageflags and kpagecount, each an array of 8-byte entries by page or frame number.
 */
#include "harness/os_page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SWAP_TYPE_BITS = 5 };

/* include/uapi/linux/kernel-page-flags.h, and from 32 on linux/kernel-page-flags.h, by bit */
static const char *const FLAG_NAMES[64] = {
    [0] = "locked",         [1] = "error",         [2] = "referenced",   [3] = "uptodate",
    [4] = "dirty",          [5] = "lru",           [6] = "active",       [7] = "slab",
    [8] = "writeback",      [9] = "reclaim",       [10] = "buddy",       [11] = "mmap",
    [12] = "anon",          [13] = "swapcache",    [14] = "swapbacked",  [15] = "compound_head",
    [16] = "compound_tail", [17] = "huge",         [18] = "unevictable", [19] = "hwpoison",
    [20] = "nopage",        [21] = "ksm",          [22] = "thp",         [23] = "offline",
    [24] = "zero_page",     [25] = "idle",         [26] = "pgtable",     [32] = "reserved",
    [33] = "mlocked",       [34] = "mappedtodisk", [35] = "private",     [36] = "private_2",
    [37] = "owner_private", [38] = "arch",         [39] = "uncached",    [40] = "softdirty",
    [41] = "arch_2",        [42] = "arch_3",
};

enum { FLAG_ANON = 12, FLAG_MAPPED_TO_DISK = 34 };

/* One bit means two things, as tools/mm/page-types.c has it. */
static const char *flag_name(uint64_t flags, unsigned bit)
{
    return bit == FLAG_MAPPED_TO_DISK && (flags >> FLAG_ANON & 1) != 0 ? "anon_exclusive" : FLAG_NAMES[bit];
}

static int read_entry(int fd, uint64_t number, uint64_t *entry)
{
    if (number > INT64_MAX / sizeof *entry)
        return -ENXIO;
    ssize_t got = pread(fd, entry, sizeof *entry, (off_t)(number * sizeof *entry));
    if (got < 0)
        return -errno;
    return got == sizeof *entry ? 0 : -ENXIO;
}

static int read_entry_of(const char *path, uint64_t number, uint64_t *entry)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = read_entry(fd, number, entry);
    close(fd);
    return error;
}

int os_frame_flags(uint64_t frame, uint64_t *flags)
{
    return read_entry_of("/proc/kpageflags", frame, flags);
}

int os_frame_count(uint64_t frame, uint64_t *count)
{
    return read_entry_of("/proc/kpagecount", frame, count);
}

void os_frame_flags_text(uint64_t flags, char *text, size_t bytes)
{
    size_t filled = 0;
    text[0] = '\0';
    for (unsigned bit = 0; bit < 64 && filled < bytes; bit++) {
        if ((flags >> bit & 1) == 0)
            continue;
        const char *space = filled == 0 ? "" : " ";
        const char *name = flag_name(flags, bit);
        if (name != NULL)
            filled += (size_t)snprintf(text + filled, bytes - filled, "%s%s", space, name);
        else
            filled += (size_t)snprintf(text + filled, bytes - filled, "%sbit%u", space, bit);
    }
}

uint64_t os_page_own_frame(uint64_t *entry)
{
    uint64_t own = 0, page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return 0;
    *(volatile char *)page = 1;
    if (read_entry_of("/proc/self/pagemap", (uintptr_t)page / page_bytes, &own) != 0)
        own = 0;
    munmap(page, page_bytes);
    if (entry != NULL)
        *entry = own;
    return (own & OS_PAGE_PRESENT) != 0 ? own & OS_PAGE_FRAME : 0;
}

void os_page_decode(struct os_page *page, uint64_t entry)
{
    uint64_t frame = entry & OS_PAGE_FRAME;
    page->entry = entry;
    page->is_present = (entry & OS_PAGE_PRESENT) != 0;
    page->is_swapped = (entry & OS_PAGE_SWAPPED) != 0 && !page->is_present;
    page->is_file_or_shared = (entry & OS_PAGE_FILE) != 0;
    page->is_exclusive = (entry & OS_PAGE_EXCLUSIVE) != 0;
    page->is_guard = (entry & OS_PAGE_GUARD) != 0;
    page->is_soft_dirty = (entry & OS_PAGE_SOFT_DIRTY) != 0;
    page->frame_state = FRAME_NONE;
    if (page->is_present) {
        page->frame_state = frame != 0 ? FRAME_KNOWN : FRAME_HIDDEN;
        page->frame = frame;
    } else if (page->is_swapped) {
        page->swap_type = frame & ((1u << SWAP_TYPE_BITS) - 1);
        page->swap_offset = frame >> SWAP_TYPE_BITS;
    }
}

static void look_at_frame(struct os_page *page)
{
    if (page->frame_state != FRAME_KNOWN)
        return;
    page->flags_error = os_frame_flags(page->frame, &page->flags);
    page->count_error = os_frame_count(page->frame, &page->count);
    if (page->flags_error == 0 && !page->knows_zero_page) {
        page->knows_zero_page = true;
        page->is_zero_page = (page->flags >> FRAME_FLAG_ZERO_PAGE & 1) != 0;
    }
}

void os_page_look(struct os_page *page, uintptr_t address, struct residency *residency)
{
    uint64_t entry = 0, own_entry = 0;
    struct residency_page look;
    uint64_t bytes = residency->os_page_bytes;
    *page = (struct os_page){.start = address / bytes * bytes, .bytes = bytes};
    page->error = read_entry(residency->fd, page->start / bytes, &entry);
    if (page->error != 0)
        return;
    os_page_decode(page, entry);
    /* A kernel that keeps track has it set for what was just written. */
    os_page_own_frame(&own_entry);
    page->knows_soft_dirty = (own_entry & OS_PAGE_SOFT_DIRTY) != 0;
    if (residency_look(residency, page->start, &look) == 0) {
        page->knows_zero_page = true;
        page->is_zero_page = look.is_zero_page;
        page->knows_huge = residency->sees_huge;
        page->is_huge = look.is_huge;
    }
    look_at_frame(page);
}
