/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the fields of the runtime's structs lie, for each Go minor version. They do not move between point releases,
 * but a struct may grow at its end: mspan did in go1.18 and go1.19, by 8 bytes that nobody here reads.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_GORUNTIME_LAYOUT_H
#define GPW_GORUNTIME_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "goruntime/layout_fields.h"

struct layout_field {
    uint32_t offset_bytes;
    uint32_t bytes; /* 0: this version has no such field */
};

struct go_layout {
    const char *experiment; /* this row is for programs built with it, for it moves fields; NULL: for all others */
    unsigned go_minor;      /* N of go1.N */
#define X(member, type, field) struct layout_field member;
    GPW_LAYOUT_FIELDS(X)
#undef X
#define X(member, type) uint32_t member##_bytes;
    GPW_LAYOUT_STRUCTS(X)
#undef X
};

enum { GO_MINOR_OLDEST = 17, GO_MINOR_NEWEST = 27 };

/* A row for each of go1.17 to go1.27, then some with an experiment; generated: layouts_ARCH.c. */
extern const struct go_layout GO_LAYOUTS[];
extern const unsigned GO_LAYOUTS_COUNT;

/* The layout for a version as a binary states it ("go1.26.10", "go1.25.1 X:arenas", "devel go1.27-abc X:..."). NULL,
 * and then `why` is a sentence: a version that is not known, or an experiment that may move fields. `why` lies in
 * `why_text` (LAYOUT_WHY_BYTES, the caller's) or is constant. */
const struct go_layout *layout_for_version(const char *version, char *why_text, const char **why);

enum { LAYOUT_WHY_BYTES = 160 };

/* Does malloc put the type of an object before it (malloc.go:mallocHeaderSize), or into the span of a large one? */
bool layout_has_malloc_headers(const struct go_layout *layout);

/* A field of up to 8 bytes out of a raw struct; 0 when the version has none. */
static inline uint64_t layout_field_of(const uint8_t *raw, struct layout_field field)
{
    const uint8_t *at = raw + field.offset_bytes;
    uint64_t quad;
    uint32_t word;
    uint16_t half;
    switch (field.bytes) {
    case sizeof quad:
        memcpy(&quad, at, sizeof quad);
        return quad;
    case sizeof word:
        memcpy(&word, at, sizeof word);
        return word;
    case sizeof half:
        memcpy(&half, at, sizeof half);
        return half;
    case 1:
        return *at;
    default:
        return 0;
    }
}

#endif
