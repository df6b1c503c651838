/* SPDX-License-Identifier: Apache-2.0
 *
 * What a row of the layouts is taken from: the DWARF of a binary, or a file of what DWARF once said. Both answer the
 * same two questions.
 *
 * There are no errors to handle: what cannot be read ends the program with a sentence (refuse).
 */
#ifndef LAYOUTS_SOURCE_H
#define LAYOUTS_SOURCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "goruntime/layout.h"

enum { SOURCE_NAME_BYTES = 256 };

struct source {
    char name[SOURCE_NAME_BYTES]; /* for messages */
    bool (*has_struct)(struct source *source, const char *type);
    uint32_t (*struct_bytes)(struct source *source, const char *type);
    /* `path` is "field", or "a.b" for field b of the struct field a; false when there is none. */
    bool (*find_field)(struct source *source, const char *type, const char *path, struct layout_field *found);
    void (*close)(struct source *source);
    struct Dwarf *dwarf;
    const json_t *structs;
};

/* A row of the table: a Go version, and the experiment it was built with. */
struct wanted {
    unsigned minor;
    const char *experiment; /* NULL: none */
};

/* Refuses a binary of another architecture, version or experiment. */
struct source source_of_binary(const char *path, const char *arch, const struct wanted *wanted);

/* The document stays the caller's and outlives the source. */
struct source source_of_json(const json_t *document, const char *path, const char *arch, const struct wanted *wanted);

/* "1.26", "1.26+nogreenteagc": how a row is called on the command line and in JSON. */
enum { WANTED_NAME_BYTES = 64 };
const char *wanted_name(const struct wanted *wanted, char *name);

/* One line on standard error, exit status 1. */
__attribute__((noreturn, format(printf, 1, 2))) void refuse(const char *format, ...);

#endif
