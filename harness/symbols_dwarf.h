/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions, lines and inlined calls by DWARF, for many addresses: the units of a file are indexed when first asked
 * for, the functions of a unit when an address of it comes up. (libdw itself walks through a whole unit for each
 * address.)
 */
#ifndef GPW_HARNESS_SYMBOLS_DWARF_H
#define GPW_HARNESS_SYMBOLS_DWARF_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/symbols_c.h"

/* A range of addresses and what has it: a unit's index, or a function. */
struct dwarf_span {
    uint64_t start, end;
    uint64_t unit;
    Dwarf_Die function;
};

struct dwarf_spans {
    struct dwarf_span *spans;
    uint64_t count, capacity;
};

struct dwarf_unit {
    Dwarf_Die die;
    bool is_read;
    struct dwarf_spans functions;
};

struct dwarf_index {
    Dwarf *dwarf;
    struct dwarf_unit *units;
    uint64_t units_count, units_capacity;
    struct dwarf_spans spans; /* of units */
};

/* `dwarf` must outlive it. False: there is no memory. For dwarf_index_close in either case. */
bool dwarf_index_open(struct dwarf_index *index, Dwarf *dwarf);
void dwarf_index_close(struct dwarf_index *index);

/* As c_symbols_resolve, with `address` as DWARF has it. */
uint32_t dwarf_index_resolve(struct dwarf_index *index, uint64_t address, struct c_frame *frames, uint32_t frames_max);

#endif
