/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a core's memory. What it holds comes from the core; what it left out of a file's mapping comes from its
 * stand-in; all else cannot be read.
 */
#include "harness/core_memory.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "memory/units.h"

bool core_read_file(int fd, void *buffer, uint64_t bytes, uint64_t offset)
{
    uint8_t *at = buffer;
    while (bytes > 0) {
        ssize_t got = offset > INT64_MAX ? 0 : pread(fd, at, bytes, (off_t)offset);
        if (got <= 0)
            return false;
        at += got;
        offset += (uint64_t)got;
        bytes -= (uint64_t)got;
    }
    return true;
}

bool core_find_part(const struct core_file *core, uintptr_t address, uint64_t *index)
{
    uint64_t low = 0, high = core->vmas.count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (core->vmas.vmas[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    *index = low;
    return low < core->vmas.count && core->vmas.vmas[low].start <= address;
}

/* ---- reading ---- */

/* The last page of a file's mapping goes on with zeros behind the file's end. */
static bool read_stand_in(struct core_file *core, const struct vma *vma, uint64_t offset, void *buffer, uint64_t bytes)
{
    const struct core_stand_in *file = core_stand_in_of(core, vma);
    if (file == NULL || __builtin_add_overflow(offset, vma->file_offset_bytes, &offset) || offset >= file->bytes)
        return false;
    uint64_t there = min_u64(bytes, file->bytes - offset);
    if (bytes > align_up(file->bytes, core->notes.os_page_bytes) - offset)
        return false;
    memset((uint8_t *)buffer + there, 0, bytes - there);
    return core_read_file(file->fd, buffer, there, offset);
}

static int core_read(struct reader *reader, uintptr_t address, void *buffer, uint64_t bytes)
{
    struct core_file *core = (struct core_file *)reader;
    uint8_t *at = buffer;
    while (bytes > 0) {
        uint64_t index;
        if (!core_find_part(core, address, &index))
            return -EFAULT;
        const struct vma *vma = &core->vmas.vmas[index];
        const struct core_part *part = &core->parts[index];
        uint64_t offset = address - vma->start;
        bool is_held = offset < part->bytes;
        uint64_t piece = min_u64(bytes, is_held ? part->bytes - offset : vma->end - address);
        if (is_held ? !core_read_file(core->fd, at, piece, part->file_offset + offset)
                    : !read_stand_in(core, vma, offset, at, piece))
            return -EFAULT;
        at += piece;
        address += piece;
        bytes -= piece;
    }
    return 0;
}

/* ---- residency ---- */

struct extent {
    uint64_t start, end;
};

/* The first extent of data at or behind `start` and before `end`, cut at `end`. */
static bool next_extent(int fd, uint64_t start, uint64_t end, struct extent *extent)
{
    if (start >= end)
        return false;
    off_t data = lseek(fd, (off_t)start, SEEK_DATA);
    if (data < 0 || (uint64_t)data >= end)
        return false;
    off_t hole = lseek(fd, data, SEEK_HOLE);
    *extent = (struct extent){(uint64_t)data, hole < 0 ? end : min_u64((uint64_t)hole, end)};
    return extent->end > extent->start;
}

static void report(const struct vma *vma, uint64_t start, uint64_t end, residency_callback *callback, void *context)
{
    if (start >= end)
        return;
    const struct residency_run run = {
        .start = vma->start + start,
        .end = vma->start + end,
        .kind = RESIDENCY_RESIDENT,
    };
    callback(context, &run);
}

/* [start, end) are offsets into the mapping, of whole pages. A page counts when any part of it is data: the blocks of
 * the file system may be smaller than pages, and gdb does not align memory in its files. */
static void scan_part(const struct core_file *core, uint64_t index, uint64_t start, uint64_t end,
                      residency_callback *callback, void *context)
{
    const struct core_part *part = &core->parts[index];
    const struct vma *vma = &core->vmas.vmas[index];
    const uint64_t page_bytes = core->notes.os_page_bytes;
    uint64_t run_start = start, run_end = start;
    uint64_t at = part->file_offset + start;
    const uint64_t data_end = part->file_offset + min_u64(end, part->bytes);
    struct extent extent;
    for (; next_extent(core->fd, at, data_end, &extent); at = extent.end) {
        uint64_t page = align_down(extent.start - part->file_offset, page_bytes);
        if (page > run_end) {
            report(vma, run_start, run_end, callback, context);
            run_start = page;
        }
        run_end = align_up(extent.end - part->file_offset, page_bytes);
    }
    report(vma, run_start, run_end, callback, context);
}

/* The kernel's own pages: in every core, in nobody's RSS. */
static bool is_of_kernel(const struct vma *vma)
{
    return strcmp(vma->name, "[vvar]") == 0 || strcmp(vma->name, "[vsyscall]") == 0;
}

static int scan_core(struct residency *residency, uintptr_t start, uintptr_t end, residency_callback *callback,
                     void *context)
{
    const struct core_file *core = ((const struct core_residency *)residency)->core;
    uint64_t index;
    if (!core->knows_residency)
        return 0;
    core_find_part(core, start, &index);
    for (; index < core->vmas.count && core->vmas.vmas[index].start < end; index++) {
        const struct vma *vma = &core->vmas.vmas[index];
        uint64_t from = max_u64(start, vma->start) - vma->start;
        if (!is_of_kernel(vma))
            scan_part(core, index, from, min_u64(end, vma->end) - vma->start, callback, context);
    }
    return 0;
}

bool core_has_holes(const struct core_file *core)
{
    for (uint64_t i = 0; i < core->vmas.count; i++) {
        const struct core_part *part = &core->parts[i];
        off_t hole = part->bytes == 0 ? -1 : lseek(core->fd, (off_t)part->file_offset, SEEK_HOLE);
        if (hole >= 0 && (uint64_t)hole < part->file_offset + part->bytes)
            return true;
    }
    return false;
}

static void add_bytes(void *context, const struct residency_run *run)
{
    uint64_t *bytes = context;
    *bytes += run->end - run->start;
}

uint64_t core_file_resident_bytes(struct core_file *core)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < core->vmas.count; i++)
        residency_scan(&core->residency.residency, core->vmas.vmas[i].start, core->vmas.vmas[i].end, add_bytes, &bytes);
    return bytes;
}

void core_memory_open(struct core_file *core)
{
    core->fd = -1;
    core->reader.read = core_read;
    core->residency.core = core;
    core->residency.residency = (struct residency){
        .fd = -1,
        .method = RESIDENCY_BY_BACK_END,
        .back_end = scan_core,
        .os_page_bytes = 4096,
    };
}
