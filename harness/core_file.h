/* SPDX-License-Identifier: Apache-2.0
 *
 * A core file: the memory of a process that is no more, as the kernel or gdb's gcore wrote it.
 *
 * It stands for a process with the same three things that a live one has: a reader, a list of mappings, and residency.
 *
 *   reader      what the core holds; of file mappings that it left out, what stands in the file itself, if that is
 *               still there and its first page (ELF header, build id) is the one that the core holds
 *   vmas        one for each PT_LOAD, with the name from NT_FILE; [stack], [vdso] and [heap] by what the auxiliary
 *               vector and their places tell; shared or private is not told
 *   residency   the kernel leaves a hole in the file where a page was never touched: what is no hole was resident or
 *               swapped out. A core that was copied without its holes tells nothing
 *
 * It may come from anybody: each offset and size is checked against the file's size. What was cut off at the end of
 * the file (a full disk, a limit) is missing memory, and counted.
 */
#ifndef GPW_HARNESS_CORE_FILE_H
#define GPW_HARNESS_CORE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/core_notes.h"
#include "harness/error.h"
#include "memory/bump.h"
#include "memory/reader.h"
#include "memory/residency.h"
#include "memory/vma.h"

enum { CORE_STAND_INS_MAX = 64 };

/* What of a mapping the core holds: [start, start + bytes). */
struct core_part {
    uint64_t file_offset, bytes;
    bool is_load; /* false: known by NT_FILE alone */
};

/* A file that is read in place of what the core left out of its mappings. */
struct core_stand_in {
    const char *name; /* as the core names it */
    const char *path; /* as it is opened: name, or the EXE that was given */
    int fd;           /* -1: it is not there, or another one */
    uint64_t bytes;
};

struct core_file;

struct core_residency {
    struct residency residency;
    const struct core_file *core;
};

struct core_file {
    struct reader reader;
    struct vma_list vmas;
    struct core_residency residency;
    bool knows_residency; /* false: `residency` reports nothing */
    struct core_notes notes;
    const struct vma *program; /* the first mapping of the main program; NULL: not found */
    uint64_t cut_bytes;        /* of memory, beyond the file's end */
    uint64_t untrusted;        /* mappings and notes that do not make sense */

    int fd;
    uint64_t file_bytes;
    struct core_part *parts; /* one for each of `vmas` */
    struct core_stand_in stand_ins[CORE_STAND_INS_MAX];
    uint32_t stand_ins_count;
};

/* Opens the core at `path`; its tables lie in `bump`, and `core` must not be moved. False: `error` says why. */
bool core_file_open(struct core_file *core, const char *path, struct bump *bump, struct error *error);
void core_file_close(struct core_file *core);

/* `exe` is the file that the main program of the core was started from, wherever it lies now. False: it cannot be read
 * or is another program. */
bool core_file_set_program(struct core_file *core, const char *exe, struct error *error);

/* The path of the file that stands in for the mappings of that name, or NULL when there is none that is the same. */
const char *core_file_path(struct core_file *core, const struct vma *vma);

/* Resident bytes by the holes; 0 when that is not known. */
uint64_t core_file_resident_bytes(struct core_file *core);

#endif
