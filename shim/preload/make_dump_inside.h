/* SPDX-License-Identifier: Apache-2.0
 *
 * A dump while it is made, between make_dump.c and make_dump_document.c.
 */
#ifndef GPW_PRELOAD_MAKE_DUMP_INSIDE_H
#define GPW_PRELOAD_MAKE_DUMP_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/document.h"
#include "dump/document_maps.h"
#include "gopagewatch/schema.h"
#include "preload/shim.h"

enum { GIVEN_RANGES_MAX = 3 * RUNTIMES_MAX + 8, ADVICE_ROWS_MAX = CALLER_COUNT * ADVICE_COUNT };

struct making {
    struct bump scratch;
    struct reader_process reader;
    struct residency residency;
    bool knows_residency; /* false: it reports nothing */
    uint64_t residency_buffer[RESIDENCY_BUFFER_BYTES / sizeof(uint64_t)];
    struct pace pace;
    struct other_malloc other_malloc;
    struct snapshot snapshot;
    struct document document;
    struct elf_image watched; /* the program that the watched maps are of */
    struct known_range given[GIVEN_RANGES_MAX];
    uint32_t given_count;
    struct watched_runtime *watched_runtimes[RUNTIMES_MAX]; /* as they are when the dump begins */
    struct document_runtime runtimes[RUNTIMES_MAX];         /* of these */
    uint32_t runtimes_count;
    const struct go_heap *heaps[RUNTIMES_MAX];
    const struct go_purposes *purposes[RUNTIMES_MAX];
    uint32_t heaps_count;
    struct document_advice advices[ADVICE_ROWS_MAX];
    char exe[MODULE_PATH_BYTES];
    char json_buffer[JSON_BUFFER_BYTES];
    struct gpw_events_header events_file;
    uint64_t begin_ticks, begin_monotonic_ns;
    char phase[GPW_LABEL_BYTES];
};

/* Fills the document when the snapshot is taken and the watched maps are answered. Allowed context: dumper. */
void make_dump_fill(struct making *making, const char *reason, const char *label);

#endif
