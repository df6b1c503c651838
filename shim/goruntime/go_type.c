/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors, read and flattened: a struct's fields and an array's elements give their references to the whole.
 */
#include "goruntime/go_type.h"

#include <string.h>

#include "memory/hash.h"
#include "memory/units.h"

enum {
    /* type.go:Type, the same from go1.17 to go1.27 (there runtime/type.go:_type) */
    TYPE_BYTES = 48,
    TYPE_SIZE_AT = 0,
    TYPE_POINTERS_AT = 8, /* PtrBytes: 0 when the type has none */
    TYPE_FLAGS_AT = 20,
    TYPE_KIND_AT = 23,
    TYPE_NAME_AT = 40, /* Str, a NameOff */
    /* behind it, by kind: ArrayType{Elem, Slice, Len}, ChanType, PtrType and SliceType{Elem}, */
    TYPE_ELEMENT_AT = 48,
    TYPE_ARRAY_LENGTH_AT = 64,
    TYPE_METHODS_LENGTH_AT = 64, /* InterfaceType{PkgPath, Methods []Imethod} */
    TYPE_FIELDS_AT = 56,         /* StructType{PkgPath, Fields []StructField}, */
    FIELD_BYTES = 24,            /* of {Name, Typ, Offset} */
    FIELD_TYPE_AT = 8,
    FIELD_OFFSET_AT = 16,
    TYPE_READ_BYTES = 80,

    KIND_MASK = 31,
    KIND_DIRECT = 1 << 5, /* up to go1.25; */
    FLAG_DIRECT = 1 << 5, /* then in TFlag */
    FLAG_EXTRA_STAR = 1 << 1,
    LAST_WITH_KIND_DIRECT = 25,
    LAST_WITH_EMBEDDED_BIT = 18, /* runtime/type.go:structfield.offsetAnon */

    TYPES_MAX = 4096,
    TABLE_SLOTS = 2 * TYPES_MAX,
    FIELDS_MAX = 4096,
    DEPTH_MAX = 32,
    /* Descriptors that are read between two calls of go_types_renew: memory that makes no sense may name another one in
       each of millions of values. */
    READS_MAX = 1 << 18,
};

#define TYPE_SIZE_MAX (1ull << 40)

struct descriptor {
    uintptr_t address;
    uint64_t bytes, pointers_bytes;
    enum go_kind kind;
    bool is_direct;
    uint8_t raw[TYPE_READ_BYTES];
};

/* The arrays that the field in hand stands for all elements of, from the outside inwards. */
struct repeats {
    struct {
        uint64_t count, stride_bytes;
    } of[2];
    unsigned used;
};

/* A struct or an array whose fields or elements are being looked at. */
struct level {
    struct descriptor type, element; /* `element`: of an array */
    uint64_t offset;                 /* in the whole */
    uint64_t next, count;
    struct repeats before; /* what was repeated outside of it */
};

/* References of the type in hand. */
struct collection {
    struct go_types *types;
    struct go_reference references[GO_TYPE_REFERENCES_MAX];
    uint32_t count;
    struct level levels[DEPTH_MAX]; /* from the whole inwards */
    uint32_t depth;
    struct repeats repeats;
    uint64_t fields;     /* that were looked at, of all structs and arrays in it */
    uint64_t bytes_left; /* of the whole, for references that are still to come */
    bool is_incomplete, has_failed;
};

bool go_types_open(struct go_types *types, const struct go_layout *layout, struct reader *reader, struct bump *bump)
{
    *types = (struct go_types){.layout = layout, .reader = reader, .bump = bump};
    types->table = bump_take(bump, TABLE_SLOTS * sizeof *types->table);
    types->collection = bump_take(bump, sizeof *types->collection);
    return types->table != NULL && types->collection != NULL;
}

void go_types_renew(struct go_types *types)
{
    types->reads = 0;
    types->is_full = false;
    memset(types->failed, 0, sizeof types->failed);
}

/* Values of these kinds have one size: whoever takes their words apart relies on it. */
static bool has_size_of_kind(const struct descriptor *type)
{
    const uint64_t WORD = sizeof(uintptr_t);
    switch (type->kind) {
    case GO_KIND_CHAN:
    case GO_KIND_FUNC:
    case GO_KIND_MAP:
    case GO_KIND_POINTER:
    case GO_KIND_UNSAFE_POINTER:
        return type->bytes == WORD;
    case GO_KIND_INTERFACE:
    case GO_KIND_STRING:
        return type->bytes == 2 * WORD;
    case GO_KIND_SLICE:
        return type->bytes == 3 * WORD;
    case GO_KIND_ARRAY:
    case GO_KIND_STRUCT:
    case GO_KIND_OTHER:
    case GO_KINDS:
        break;
    }
    return true;
}

static bool read_descriptor(struct go_types *types, uintptr_t address, struct descriptor *type)
{
    if (address == 0 || address % sizeof(uint64_t) != 0 || types->reads == READS_MAX)
        return false;
    types->reads++;
    /* What lies behind the descriptor may be the end of the segment; no kind that needs it does. */
    if (!reader_read(types->reader, address, type->raw, TYPE_READ_BYTES)) {
        memset(type->raw + TYPE_BYTES, 0, TYPE_READ_BYTES - TYPE_BYTES);
        if (!reader_read(types->reader, address, type->raw, TYPE_BYTES))
            return false;
    }
    type->address = address;
    type->bytes = u64_at(type->raw + TYPE_SIZE_AT);
    type->pointers_bytes = u64_at(type->raw + TYPE_POINTERS_AT);
    type->kind = type->raw[TYPE_KIND_AT] & KIND_MASK;
    type->is_direct = types->layout->go_minor <= LAST_WITH_KIND_DIRECT ? (type->raw[TYPE_KIND_AT] & KIND_DIRECT) != 0
                                                                       : (type->raw[TYPE_FLAGS_AT] & FLAG_DIRECT) != 0;
    return type->kind != 0 && type->kind < GO_KINDS && type->bytes < TYPE_SIZE_MAX &&
           type->pointers_bytes <= type->bytes && has_size_of_kind(type);
}

bool go_type_read_head(struct go_type_head *head, const struct go_layout *layout, struct reader *reader,
                       uintptr_t address)
{
    struct go_types types = {.layout = layout, .reader = reader};
    struct descriptor type;
    if (!read_descriptor(&types, address, &type))
        return false;
    *head = (struct go_type_head){
        .bytes = type.bytes,
        .pointers_bytes = type.pointers_bytes,
        .kind = (uint8_t)type.kind,
        .has_extra_star = (type.raw[TYPE_FLAGS_AT] & FLAG_EXTRA_STAR) != 0,
    };
    memcpy(&head->name_offset, type.raw + TYPE_NAME_AT, sizeof head->name_offset);
    return true;
}

/* ---- flattening ---- */

/* References that lie over each other are none: what a value of so many bytes can hold is bounded. */
static bool take_bytes(struct collection *collection, uint64_t bytes, uint64_t count, uint64_t outer_count)
{
    uint64_t all_bytes;
    if (__builtin_mul_overflow(bytes, count, &all_bytes) ||
        __builtin_mul_overflow(all_bytes, outer_count, &all_bytes) || all_bytes > collection->bytes_left)
        return false;
    collection->bytes_left -= all_bytes;
    return true;
}

static void add_reference(struct collection *collection, const struct descriptor *type, uint64_t offset,
                          enum go_reference_kind kind, uintptr_t target)
{
    const struct repeats *repeats = &collection->repeats;
    struct descriptor element = {0};
    struct go_reference reference = {
        .offset_bytes = offset, .count = 1, .outer_count = 1, .kind = kind, .type = target};
    if (collection->count == GO_TYPE_REFERENCES_MAX) {
        collection->is_incomplete = true;
        return;
    }
    if (repeats->used > 0) {
        reference.count = repeats->of[repeats->used - 1].count;
        reference.stride_bytes = repeats->of[repeats->used - 1].stride_bytes;
    }
    if (repeats->used > 1) {
        reference.outer_count = repeats->of[0].count;
        reference.outer_stride_bytes = repeats->of[0].stride_bytes;
    }
    if ((target != 0 && !read_descriptor(collection->types, target, &element)) ||
        !take_bytes(collection, type->bytes, reference.count, reference.outer_count)) {
        collection->has_failed = true;
        return;
    }
    reference.target_bytes = element.bytes;
    collection->references[collection->count++] = reference;
}

/* Lets one element of the array stand for all of them, if that can be said; else each is looked at. */
static void fold(struct repeats *repeats, struct level *array)
{
    unsigned last = repeats->used - 1;
    if (array->count < 2)
        return;
    if (repeats->used > 0 && repeats->of[last].stride_bytes == array->type.bytes) {
        /* An array that is all of an element: those of both follow each other evenly. */
        repeats->of[last].count *= array->count;
        repeats->of[last].stride_bytes = array->element.bytes;
    } else if (repeats->used < sizeof repeats->of / sizeof repeats->of[0]) {
        repeats->of[repeats->used].count = array->count;
        repeats->of[repeats->used++].stride_bytes = array->element.bytes;
    } else {
        return;
    }
    array->count = 1;
}

static void enter(struct collection *collection, const struct descriptor *type, uint64_t offset)
{
    if (collection->depth == DEPTH_MAX) {
        collection->has_failed = true;
        return;
    }
    struct level *level = &collection->levels[collection->depth++];
    *level = (struct level){.type = *type, .offset = offset, .before = collection->repeats};
    if (type->kind == GO_KIND_STRUCT) {
        level->count = u64_at(type->raw + TYPE_FIELDS_AT + sizeof(uint64_t));
        return;
    }
    level->count = u64_at(type->raw + TYPE_ARRAY_LENGTH_AT);
    if (!read_descriptor(collection->types, u64_at(type->raw + TYPE_ELEMENT_AT), &level->element) ||
        (level->element.bytes != 0 && level->count > type->bytes / level->element.bytes)) {
        collection->has_failed = true;
        return;
    }
    if (level->element.pointers_bytes == 0)
        level->count = 0;
    /* Only where the elements fill it do they follow each other as its bytes do. */
    if (level->count * level->element.bytes == type->bytes)
        fold(&collection->repeats, level);
}

/* The next field of a struct; false: it makes no sense. */
static bool next_field(struct collection *collection, struct level *level, struct descriptor *field, uint64_t *at)
{
    uint8_t raw[FIELD_BYTES];
    uintptr_t fields = u64_at(level->type.raw + TYPE_FIELDS_AT);
    if (!reader_read(collection->types->reader, fields + level->next++ * FIELD_BYTES, raw, sizeof raw) ||
        !read_descriptor(collection->types, u64_at(raw + FIELD_TYPE_AT), field))
        return false;
    *at = u64_at(raw + FIELD_OFFSET_AT);
    if (collection->types->layout->go_minor <= LAST_WITH_EMBEDDED_BIT)
        *at >>= 1;
    return *at <= level->type.bytes && field->bytes <= level->type.bytes - *at;
}

/* Adds the references of a value of `type` that lies at `offset` in the whole; of a struct or array later. */
static void collect(struct collection *collection, const struct descriptor *type, uint64_t offset)
{
    uintptr_t element = u64_at(type->raw + TYPE_ELEMENT_AT);
    switch (type->kind) {
    case GO_KIND_ARRAY:
    case GO_KIND_STRUCT:
        enter(collection, type, offset);
        break;
    case GO_KIND_STRING:
        add_reference(collection, type, offset, REFERENCE_STRING, 0);
        break;
    case GO_KIND_SLICE:
        add_reference(collection, type, offset, REFERENCE_SLICE, element);
        break;
    case GO_KIND_POINTER:
        add_reference(collection, type, offset, REFERENCE_POINTER, element);
        break;
    case GO_KIND_CHAN:
        add_reference(collection, type, offset, REFERENCE_CHAN, element);
        break;
    case GO_KIND_INTERFACE:
        add_reference(collection, type, offset,
                      u64_at(type->raw + TYPE_METHODS_LENGTH_AT) == 0 ? REFERENCE_ANY : REFERENCE_INTERFACE, 0);
        break;
    case GO_KIND_FUNC:
    case GO_KIND_UNSAFE_POINTER:
        add_reference(collection, type, offset, REFERENCE_OPAQUE, 0);
        break;
    case GO_KIND_MAP:
        add_reference(collection, type, offset, REFERENCE_MAP, type->address);
        break;
    case GO_KIND_OTHER:
    case GO_KINDS:
        break;
    }
}

/* Goes on with the fields and elements of the innermost struct or array. */
static void step(struct collection *collection)
{
    struct level *level = &collection->levels[collection->depth - 1];
    struct descriptor inner;
    uint64_t at;
    if (level->next == level->count) {
        collection->repeats = level->before;
        collection->depth--;
        return;
    }
    if (collection->fields++ == FIELDS_MAX) {
        collection->is_incomplete = true;
        return;
    }
    if (level->type.kind == GO_KIND_ARRAY) {
        at = level->next++ * level->element.bytes;
        collect(collection, &level->element, level->offset + at);
    } else if (!next_field(collection, level, &inner, &at)) {
        collection->has_failed = true;
    } else if (inner.pointers_bytes != 0) {
        collect(collection, &inner, level->offset + at);
    }
}

static void collect_all(struct collection *collection, const struct descriptor *type)
{
    collect(collection, type, 0);
    while (collection->depth > 0 && !collection->is_incomplete && !collection->has_failed)
        step(collection);
}

/* ---- the table ---- */

static struct go_type *make_type(struct go_types *types, uintptr_t address)
{
    struct descriptor descriptor;
    struct collection *collection = types->collection;
    if (!read_descriptor(types, address, &descriptor))
        return NULL;
    collection->types = types;
    collection->count = 0;
    collection->fields = 0;
    collection->depth = 0;
    collection->repeats.used = 0;
    collection->bytes_left = descriptor.bytes;
    collection->is_incomplete = collection->has_failed = false;
    if (descriptor.pointers_bytes != 0)
        collect_all(collection, &descriptor);
    if (collection->has_failed)
        return NULL;
    struct go_type *type = bump_take(types->bump, sizeof *type);
    struct go_reference *references = bump_take(types->bump, (collection->count + 1) * sizeof *references);
    if (type == NULL || references == NULL) {
        types->is_full = true;
        return NULL;
    }
    memcpy(references, collection->references, collection->count * sizeof *references);
    *type = (struct go_type){
        .address = address,
        .bytes = descriptor.bytes,
        .kind = descriptor.kind,
        .is_direct = descriptor.is_direct,
        .is_incomplete = collection->is_incomplete,
        .references = references,
        .references_count = collection->count,
    };
    return type;
}

static uint64_t slot_of(uintptr_t address)
{
    return hash_u64(address) % TABLE_SLOTS;
}

const struct go_type *go_types_find(struct go_types *types, uintptr_t address)
{
    uint64_t at = slot_of(address);
    for (; types->table[at] != NULL; at = (at + 1) % TABLE_SLOTS) {
        if (types->table[at]->address == address)
            return types->table[at];
    }
    uintptr_t *failed = &types->failed[at % GO_TYPES_FAILED];
    types->is_full |= types->count == TYPES_MAX || types->reads == READS_MAX;
    if (types->count == TYPES_MAX || *failed == address)
        return NULL;
    struct go_type *type = make_type(types, address);
    if (type == NULL) {
        types->is_full |= types->reads == READS_MAX;
        *failed = address;
        return NULL;
    }
    types->table[at] = type;
    types->count++;
    return type;
}
