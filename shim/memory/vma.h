/* SPDX-License-Identifier: Apache-2.0
 *
 * The mappings of a process, from /proc/PID/maps (fs/proc/task_mmu.c:show_map_vma).
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_MEMORY_VMA_H
#define GPW_MEMORY_VMA_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/bump.h"
#include "memory/text.h"

struct vma {
    uintptr_t start, end;
    uint64_t file_offset_bytes;
    uint64_t inode;
    uint32_t device_major, device_minor;
    bool is_readable, is_writable, is_executable, is_shared;
    const char *name; /* path, "[heap]", "[stack]", "[anon: ...]" or "" */
};

struct vma_list {
    struct vma *vmas;
    uint64_t count;
    uint64_t unparsed_lines; /* counted, never guessed */
};

/* Parses one line; `vma->name` points into the line and `name_bytes` is its length. */
bool vma_parse_line(struct text line, struct vma *vma, uint64_t *name_bytes);

/* Reads all mappings from the file at `path` into memory of `bump`. 0, or -errno (-ENOMEM: the reserve is used up). */
int vma_list_read(struct vma_list *list, const char *path, struct bump *bump);

/* The mapping that holds the front of `of`'s file, and so the ELF header of a module: the last one of that file, at or
 * not far below `of`, with offset 0. NULL: there is none. `of` is one of the list's. */
const struct vma *vma_front_of_file(const struct vma_list *list, const struct vma *of);

/* Is [start, end) private anonymous memory, mapped without a gap, in one mapping or several? */
bool vma_list_is_private_anonymous(const struct vma_list *list, uintptr_t start, uintptr_t end);

static inline bool vma_is_file(const struct vma *vma)
{
    return vma->inode != 0;
}

static inline bool vma_is_same_file(const struct vma *a, const struct vma *b)
{
    return a->inode == b->inode && a->device_major == b->device_major && a->device_minor == b->device_minor;
}

/* Private memory without a file: the only kind that malloc, Go and stacks are made of. */
static inline bool vma_is_private_anonymous(const struct vma *vma)
{
    return vma->inode == 0 && !vma->is_shared;
}

#endif
