/* SPDX-License-Identifier: Apache-2.0
 *
 * A small Go program as it lies in memory, made up: ELF headers, text with runtime.madvise in it, a function table in
 * one of its three formats, build information, moduledata. A test asks for the variant it wants and then damages it.
 *
 *   0x0000  ELF header, program headers, a build id note      text, R-X
 *   0x1000  the functions, 64 bytes each
 *   0x2000  .gopclntab                                        rodata, R--
 *   0x6000  .go.buildinfo, .go.module (0x6400), .dynamic      data, RW-
 *   0x8000  .bss, in memory only; in the file: section headers and their names
 *
 * Serves the unit tests and the fuzz targets.
 */
#ifndef GPW_TESTS_GO_IMAGE_H
#define GPW_TESTS_GO_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "goruntime/pclntab.h"
#include "tests/unit/support/fake_memory.h"

enum {
    GO_IMAGE_TEXT = 0x1000,
    GO_IMAGE_PCLNTAB = 0x2000,
    GO_IMAGE_BUILDINFO = 0x6000,
    GO_IMAGE_MODULE = 0x6400,
    GO_IMAGE_DYNAMIC = 0x7000,
    GO_IMAGE_BYTES = 0x8000,
    GO_IMAGE_MEMORY_BYTES = 0x9000,
    GO_IMAGE_FILE_BYTES = 0xa000,
    GO_IMAGE_FUNCTION_BYTES = 64,
    GO_IMAGE_SECTIONS = 9,
    GO_IMAGE_NAMES = 0x9800,
};

struct go_image_kind {
    enum pclntab_format format;
    bool is_fixed; /* ET_EXEC at its own addresses; else ET_DYN with a bias */
    bool needs_libraries;
    bool has_text_in_moduledata; /* go1.26 on: textStart is 0 */
    bool is_version_inline;      /* go1.18 on */
    bool is_madvise_1_27;
    const char *version;
    const char *module_information; /* inline only; none when NULL */
    const char *table_section;      /* ".gopclntab" when NULL */
};

/* Functions of the image by their index; runtime.madvise is neither the first nor the last. */
enum { GO_IMAGE_MADVISE = 3, GO_IMAGE_GC_TRIGGER = 5, GO_IMAGE_PROFILE_ALLOC = 6, GO_IMAGE_FUNCTIONS = 7 };
extern const char *const GO_IMAGE_FUNCTION_NAMES[GO_IMAGE_FUNCTIONS];

struct go_image {
    struct go_image_kind kind;
    uintptr_t base;
    uint8_t bytes[GO_IMAGE_FILE_BYTES]; /* as in the file; the first GO_IMAGE_BYTES are mapped */
    uint8_t bss[GO_IMAGE_MEMORY_BYTES - GO_IMAGE_BYTES];
    struct fake_memory memory; /* what a reader of that process sees */
};

/* Builds the image at `base` (a multiple of 4096). */
void go_image_build(struct go_image *image, const struct go_image_kind *kind, uintptr_t base);

Elf64_Ehdr *go_image_header(struct go_image *image);
Elf64_Phdr *go_image_programs(struct go_image *image);
Elf64_Shdr *go_image_sections(struct go_image *image);
uintptr_t go_image_function(const struct go_image *image, unsigned index);
void go_image_put_u64(struct go_image *image, uint64_t offset, uint64_t value);
void go_image_put_u32(struct go_image *image, uint64_t offset, uint32_t value);
uint64_t go_image_get_u64(const struct go_image *image, uint64_t offset);

#endif
