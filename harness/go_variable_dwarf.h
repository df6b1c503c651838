/* SPDX-License-Identifier: Apache-2.0
 *
 * Go's types and package variables as its linker describes them in DWARF 4 and 5 (cmd/link/internal/ld/dwarf.go).
 *
 * What is read is hostile: walks end, whatever refers to what. Texts live as long as the Dwarf.
 */
#ifndef GPW_HARNESS_GO_VARIABLE_DWARF_H
#define GPW_HARNESS_GO_VARIABLE_DWARF_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "goruntime/go_kind.h"

struct go_dwarf_type {
    Dwarf_Die die;     /* behind the typedefs that only name it */
    enum go_kind kind; /* GO_KIND_OTHER: no way leads through it */
    const char *name;  /* with full package paths, escaped as symbols are */
};

/* ---- units: one for each package ---- */

/* Zero before the first call. */
struct go_unit {
    Dwarf_CU *unit;
    Dwarf_Die die;
    const char *package; /* its path, not escaped */
    uint32_t number;
};

bool go_unit_next(struct go_unit *unit, Dwarf *dwarf);

/* ---- the entries of a unit ---- */

/* Zero `is_begun` before the first call; `at` is the entry. */
struct go_entries {
    Dwarf_Die at;
    uint32_t number;
    bool is_begun;
};

bool go_entries_next(struct go_entries *entries, struct go_unit *unit);

struct go_variable {
    const char *name; /* "pkg/path.name", escaped */
    uintptr_t address;
    struct go_dwarf_type type;
};

/* False: the entry is no package variable that has an address. */
bool go_variable_of(struct go_variable *variable, Dwarf_Die *entry);
/* False: the entry is no map type. */
bool go_dwarf_map_type_of(struct go_dwarf_type *type, Dwarf_Die *entry);

/* ---- types ---- */

/* What a pointer points to, what an array or a slice has elements of. */
bool go_dwarf_type_element(const struct go_dwarf_type *type, struct go_dwarf_type *element);
/* How many elements an array has. */
bool go_dwarf_type_length(const struct go_dwarf_type *array, uint64_t *length);
bool go_dwarf_type_bytes(const struct go_dwarf_type *type, uint64_t *bytes);
/* How far behind the first one the descriptor of the type lies; 0: the program has none, and so no value of it. */
uint64_t go_dwarf_type_descriptor(const struct go_dwarf_type *type);

/* Zero `is_begun` before the first call. */
struct go_member {
    Dwarf_Die at;
    uint32_t number;
    bool is_begun;
    const char *name;
    uint64_t offset_bytes;
    bool is_embedded;
    struct go_dwarf_type type;
};

bool go_member_next(struct go_member *member, const struct go_dwarf_type *structure);

#endif
