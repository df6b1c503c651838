/* SPDX-License-Identifier: Apache-2.0
 *
 * An ELF module as it lies in memory: its segments through program headers, its sections where the file can be read.
 *
 * Section headers are not mapped; they say at once where .gopclntab and .go.buildinfo are, where a search through the
 * segments would touch megabytes. They are only a short cut: everything found by them is checked like a search's hit.
 *
 * Allowed context: dumper, command, constructor, discovery.
 */
#ifndef GPW_GORUNTIME_ELF_IMAGE_H
#define GPW_GORUNTIME_ELF_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/reader.h"

enum {
    ELF_SEGMENTS_MAX = 16,
    ELF_SECTIONS_MAX = 96,
    ELF_SECTION_NAMES_BYTES = 2048,
    ELF_BUILD_ID_BYTES = 32,
    ELF_GO_BUILD_ID_BYTES = 128
};

struct elf_segment {
    uintptr_t start, end;
    bool is_writable, is_executable;
};

struct elf_section {
    uint32_t name; /* offset into section_names */
    uintptr_t start, end;
    bool is_writable, is_executable;
};

struct elf_image {
    struct reader *reader;
    uintptr_t base;       /* where the ELF header lies */
    uintptr_t bias;       /* what is added to the file's addresses */
    uintptr_t start, end; /* all of the image, .bss included */
    uint16_t machine;
    bool needs_libraries; /* has a DT_NEEDED entry: libc serves its threads */
    struct elf_segment segments[ELF_SEGMENTS_MAX];
    uint32_t segments_count;
    struct elf_section sections[ELF_SECTIONS_MAX];
    uint32_t sections_count; /* 0 when the file could not be read */
    char section_names[ELF_SECTION_NAMES_BYTES];
    uint8_t build_id[ELF_BUILD_ID_BYTES]; /* NT_GNU_BUILD_ID */
    uint32_t build_id_bytes;
    uint8_t go_build_id[ELF_GO_BUILD_ID_BYTES]; /* a text, without a zero (cmd/link -buildid) */
    uint32_t go_build_id_bytes;
};

/* Reads the headers of the module whose ELF header lies at `base`. False: not a 64-bit little-endian ELF image. */
bool elf_image_read(struct elf_image *image, struct reader *reader, uintptr_t base);

/* Adds the sections from the module's file. False, and no sections, when it cannot be read or is not this module. */
bool elf_image_read_sections(struct elf_image *image, const char *path);

/* The mapped section of that name, or NULL. */
const struct elf_section *elf_image_section(const struct elf_image *image, const char *name);

/* The segment that holds `address`, or NULL. */
const struct elf_segment *elf_image_segment(const struct elf_image *image, uintptr_t address);

static inline bool elf_image_holds(const struct elf_image *image, uintptr_t address)
{
    return address >= image->start && address < image->end;
}

#endif
