/* SPDX-License-Identifier: Apache-2.0
 *
 * The Go function table: names and addresses of all Go functions, in every binary, stripped or not.
 *
 * Allowed context: dumper, command, constructor, discovery.
 */
#ifndef GPW_GORUNTIME_PCLNTAB_H
#define GPW_GORUNTIME_PCLNTAB_H

#include <stdbool.h>

#include "goruntime/elf_image.h"

enum pclntab_format { PCLNTAB_1_16, PCLNTAB_1_18, PCLNTAB_1_20 };

struct pclntab {
    enum pclntab_format format;
    uintptr_t start, end; /* the table; `end` is a bound for reading, not its exact end */
    uintptr_t names;      /* funcnametab */
    uintptr_t functions;  /* functab, and the _func structs behind it */
    uint64_t functions_count;
    uintptr_t text; /* what entry offsets are relative to; 0 in the 1.16 format */
};

/* Finds the table in an image and checks its header. `scratch` serves as read buffer. False: no table found. */
bool pclntab_find(struct pclntab *table, const struct elf_image *image, uint8_t *scratch, uint64_t scratch_bytes);

/* The address of the table's moduledata in [start, end): it begins with the addresses of the table and of funcnametab
 * (symtab.go:moduledata.pcHeader, funcnametab). 0: it is not there. */
uintptr_t pclntab_moduledata(const struct pclntab *table, struct reader *reader, uintptr_t start, uintptr_t end,
                             uint8_t *scratch, uint64_t scratch_bytes);

/* Where Go's functions lie, in one piece: from the first one's entry to the last one's end. False: the table is
 * damaged. */
bool pclntab_text_range(const struct pclntab *table, const struct elf_image *image, uintptr_t *start, uintptr_t *end);

/* The half-open address range, padding included, of the first function with that exact name (an assembly body and its
 * wrapper share one). False when there is none or the table is damaged. */
struct pclntab_range {
    uintptr_t start, end; /* 0, 0: there is no such function */
};

/* The same for `count` names in one pass, at most PCLNTAB_NAMES_MAX. */
enum { PCLNTAB_NAMES_MAX = 64 };
void pclntab_lookup_all(const struct pclntab *table, const struct elf_image *image, const char *const *names,
                        uint32_t count, struct pclntab_range *ranges, uint8_t *scratch, uint64_t scratch_bytes);

bool pclntab_lookup(const struct pclntab *table, const struct elf_image *image, const char *name, uint8_t *scratch,
                    uint64_t scratch_bytes, uintptr_t *start, uintptr_t *end);

#endif
