/* SPDX-License-Identifier: Apache-2.0
 *
 * The notes of a core file: who the process was, what files it had mapped, what the kernel told it at its start.
 *
 * The kernel writes them (fs/binfmt_elf.c:fill_note_info) and gdb's gcore does likewise. A core may come from anybody:
 * each size is checked against what is left, and what does not fit is counted and left out.
 */
#ifndef GPW_HARNESS_CORE_NOTES_H
#define GPW_HARNESS_CORE_NOTES_H

#include <stdint.h>

#include "memory/bump.h"

/* A mapping of a file (NT_FILE). */
struct core_mapping {
    uintptr_t start, end;
    uint64_t file_offset_bytes;
    const char *name;
};

enum { CORE_COMM_BYTES = 17, CORE_ARGUMENTS_BYTES = 81, CORE_AUXV_FRONT_BYTES = 48 };

/* What no note tells is 0 or "". */
struct core_notes {
    uint32_t pid;
    uint64_t threads;
    char comm[CORE_COMM_BYTES];
    char arguments[CORE_ARGUMENTS_BYTES]; /* the kernel keeps the first 80 bytes of them */
    struct core_mapping *mappings;        /* in the order of the note, which is by address */
    uint64_t mappings_count;
    /* of the auxiliary vector (man 3 getauxval) */
    uint64_t os_page_bytes;
    uintptr_t program_headers; /* of the program, as it lies in memory */
    uintptr_t random;          /* 16 bytes at the upper end of the main stack */
    uintptr_t vdso;
    uint8_t auxv_front[CORE_AUXV_FRONT_BYTES]; /* its first entries, to find it on the stack again */
    uint64_t untrusted;                        /* notes that are damaged */
};

/* Adds what the notes in [offset, offset + bytes) of the file say. Names lie in `bump`. */
void core_notes_read(struct core_notes *notes, int fd, uint64_t offset, uint64_t bytes, struct bump *bump);

/* The mapping that holds `address`, or NULL. */
const struct core_mapping *core_notes_mapping(const struct core_notes *notes, uintptr_t address);

#endif
