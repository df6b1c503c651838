/* SPDX-License-Identifier: Apache-2.0
 *
 * A core file that a test makes up: ELF header, program headers, notes, memory. Written from what the kernel writes
 * (fs/binfmt_elf.c:elf_core_dump), not from what the reader reads.
 *
 *   ELF header | program headers: PT_NOTE, one PT_LOAD a segment | notes | memory, each segment on a page of its own
 *
 * Serves the unit tests and the fuzz targets.
 */
#ifndef GPW_TESTS_MADE_CORE_H
#define GPW_TESTS_MADE_CORE_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

enum { MADE_CORE_BYTES = 512 * 1024, MADE_PAGE_BYTES = 4096 };

struct made_segment {
    uintptr_t start;
    uint64_t memory_bytes, file_bytes;
    uint32_t flags;
    const void *content; /* file_bytes of it; NULL: zeros */
};

struct made_mapping {
    uintptr_t start, end;
    uint64_t file_offset_pages;
    const char *name;
};

struct made_core_plan {
    const struct made_segment *segments;
    uint32_t segments_count;
    const struct made_mapping *mappings; /* NT_FILE; none when 0 */
    uint32_t mappings_count;
    const Elf64_auxv_t *auxv; /* with AT_NULL; NULL: no note */
    uint32_t threads;
    bool has_extended_count; /* e_phnum is PN_XNUM */
    const char *comm;        /* NULL: no NT_PRPSINFO */
};

struct made_core {
    uint8_t bytes[MADE_CORE_BYTES];
    uint64_t count;
    uint64_t notes, notes_bytes; /* where they lie */
    uint64_t memory;             /* where the first segment's begins */
};

enum { MADE_CORE_PID = 4711 };

/* Builds it; what does not fit aborts. */
void made_core_build(struct made_core *core, const struct made_core_plan *plan);

Elf64_Ehdr *made_core_header(struct made_core *core);
/* The PT_NOTE first. */
Elf64_Phdr *made_core_programs(struct made_core *core);

#endif
