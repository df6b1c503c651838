/* SPDX-License-Identifier: Apache-2.0
 *
 * The formats that dumps are exported to. One table: the command line, the help page and docs/export.md follow it.
 *
 * A format is one function. It writes to `out` and does not look whether the bytes arrive (the caller does); it returns
 * false, with `error`, when the dumps cannot be written in this format or there is no memory.
 */
#ifndef GPW_HARNESS_EXPORT_FORMAT_H
#define GPW_HARNESS_EXPORT_FORMAT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/dump.h"
#include "harness/error.h"
#include "harness/events_file.h"
#include "harness/symbols.h"

enum export_dumps {
    EXPORT_ONE_DUMP,       /* no more than one */
    EXPORT_DUMP_BY_DUMP,   /* any number; `write` gets one at a time, in the order given */
    EXPORT_DUMPS_TOGETHER, /* any number; `write` gets all at once */
};

/* What is to be written; `symbols` is for the names in stacks. */
struct export_input {
    const struct dump *dumps;
    uint32_t dumps_count;
    struct events_file *events; /* of the process of the dumps, in place of the newest one's events; or NULL */
    struct symbols_options symbols;
};

struct export_format {
    const char *name, *summary;
    const char *next; /* the command to type next, a file behind it; or NULL */
    enum export_dumps dumps;
    bool is_binary;  /* nothing for a terminal */
    bool is_for_all; /* a file of it is there to be read by another user's process */
    bool has_events; /* of the newest of its dumps */
    bool has_stacks; /* of calls, whose names are looked up */
    bool (*write)(FILE *out, const struct export_input *input, struct error *error);
};

extern const struct export_format EXPORT_FORMATS[];
extern const uint32_t EXPORT_FORMATS_COUNT;

/* NULL: there is none of that name. */
const struct export_format *export_format_find(const char *name);

/* The functions of the table, a file each. */
bool export_pprof_write(FILE *out, const struct export_input *input, struct error *error);
bool export_prometheus_write(FILE *out, const struct export_input *input, struct error *error);
bool export_openmetrics_write(FILE *out, const struct export_input *input, struct error *error);
bool export_gobench_write(FILE *out, const struct export_input *input, struct error *error);
bool export_ndjson_write(FILE *out, const struct export_input *input, struct error *error);
bool export_perfetto_write(FILE *out, const struct export_input *input, struct error *error);
bool export_folded_write(FILE *out, const struct export_input *input, struct error *error);

#endif
