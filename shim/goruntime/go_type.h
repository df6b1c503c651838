/* SPDX-License-Identifier: Apache-2.0
 *
 * The runtime's type descriptors (internal/abi/type.go:Type): how large a value is, and where the pointers in it lead.
 *
 * A type is read once and turned into a list of its references, so that a walk over millions of values looks at no
 * descriptor again; those of an array are one, however long it is. Descriptors lie in the program's image, where
 * stripping does not reach.
 *
 * Allowed context: dumper, command; one thread at a time.
 */
#ifndef GPW_GORUNTIME_GO_TYPE_H
#define GPW_GORUNTIME_GO_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/go_kind.h"
#include "goruntime/layout.h"
#include "memory/bump.h"
#include "memory/reader.h"

enum { GO_TYPE_REFERENCES_MAX = 1024 /* of one type; of one that has more, the first */ };

/* The largest of them, a slice. */
enum { GO_REFERENCE_BYTES_MAX = 24 };

enum go_reference_kind {
    REFERENCE_STRING,    /* {pointer, length} */
    REFERENCE_SLICE,     /* {pointer, length, capacity} of `type` */
    REFERENCE_POINTER,   /* to a `type` */
    REFERENCE_INTERFACE, /* {itab, data}; the itab names the type */
    REFERENCE_ANY,       /* {type, data}: an interface without methods */
    REFERENCE_MAP,       /* to the header of a map of `type` */
    REFERENCE_CHAN,      /* to a channel of `type` */
    REFERENCE_OPAQUE,    /* func, unsafe.Pointer: to what no type tells */
};

/* One, or those of an array's elements, or of arrays in an array's elements. */
struct go_reference {
    uint64_t offset_bytes;                    /* in the value: of the first */
    uint64_t count, stride_bytes;             /* so many, each so far behind the one before, */
    uint64_t outer_count, outer_stride_bytes; /* and all of that so many times */
    enum go_reference_kind kind;
    uintptr_t type;        /* STRING, INTERFACE, ANY, OPAQUE: 0. MAP: the map's own type; else that of the elements */
    uint64_t target_bytes; /* the size of one `type` */
};

struct go_type {
    uintptr_t address;
    uint64_t bytes; /* a value's size */
    enum go_kind kind;
    bool is_direct;     /* an interface holds the value itself, not a pointer to it (one pointer and no more) */
    bool is_incomplete; /* it has more references than are kept */
    const struct go_reference *references;
    uint32_t references_count;
};

/* What a descriptor says of itself. */
struct go_type_head {
    uint64_t bytes, pointers_bytes; /* pointers_bytes: up to the end of the last pointer */
    uint8_t kind;                   /* enum go_kind, and those below it */
    bool has_extra_star;            /* its name begins with a '*' that is not part of it */
    int32_t name_offset;
};

enum { GO_TYPES_FAILED = 256 };

struct go_types {
    const struct go_layout *layout;
    struct reader *reader;
    struct bump *bump;
    struct go_type **table; /* by address */
    struct collection *collection;
    uint32_t count, reads;
    bool is_full; /* a type was not taken since the last go_types_renew, because there are too many */
    uintptr_t failed[GO_TYPES_FAILED]; /* addresses of some that were none, by their hash */
};

/* False: the reserve of `bump` is used up. */
bool go_types_open(struct go_types *types, const struct go_layout *layout, struct reader *reader, struct bump *bump);

/* Before a walk: what it may read of descriptors is bounded. */
void go_types_renew(struct go_types *types);

/* The type whose descriptor lies at `address`, valid as long as `types`; NULL: there is none, it makes no sense, or the
 * walk has named too many already (`is_full`). A value of it holds all of its references, none over another. */
const struct go_type *go_types_find(struct go_types *types, uintptr_t address);

/* Reads only the descriptor itself. False: there is none, or it makes no sense. */
bool go_type_read_head(struct go_type_head *head, const struct go_layout *layout, struct reader *reader,
                       uintptr_t address);

#endif
