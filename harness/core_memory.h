/* SPDX-License-Identifier: Apache-2.0
 *
 * What a core file holds of memory: finding, reading, and where its holes are. For core_file.c alone.
 */
#ifndef GPW_HARNESS_CORE_MEMORY_H
#define GPW_HARNESS_CORE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/core_file.h"

/* Sets the reader and the residency up; descriptors are -1. */
void core_memory_open(struct core_file *core);

/* The index of the mapping (and part) that holds `address`. */
bool core_find_part(const struct core_file *core, uintptr_t address, uint64_t *index);

/* All of [offset, offset + bytes) of the file. */
bool core_read_file(int fd, void *buffer, uint64_t bytes, uint64_t offset);

/* Was any page left out as a hole? */
bool core_has_holes(const struct core_file *core);

/* The file that stands in for the mappings of the vma's file, opened and compared the first time; NULL: none. */
const struct core_stand_in *core_stand_in_of(struct core_file *core, const struct vma *vma);

#endif
