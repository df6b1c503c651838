/* SPDX-License-Identifier: Apache-2.0
 *
 *   name := flags (1 byte) length (uvarint) bytes        internal/abi/type.go:Name, the same from go1.17 to go1.27
 */
#include "goruntime/go_type_name.h"

#include <string.h>

#include "memory/units.h"

enum {
    MODULES_MAX = 1024, /* the program and its plugins */
    FRONT_BYTES = 4,    /* flags and length */
    LENGTH_BYTES_MAX = FRONT_BYTES - 1,
};

struct range {
    uint64_t start, end;
};

static bool read_word(const struct go_heap *heap, uintptr_t moduledata, struct layout_field field, uint64_t *word)
{
    return reader_read_u64(heap->reader, moduledata + field.offset_bytes, word);
}

/* The types of the module that `address` lies in (runtime/type.go:resolveNameOff). */
static bool find_types(const struct go_heap *heap, uintptr_t address, struct range *types)
{
    const struct go_layout *layout = heap->layout;
    uint64_t module = heap->moduledata;
    for (unsigned i = 0; i < MODULES_MAX && module != 0; i++) {
        if (!read_word(heap, module, layout->moduledata_types, &types->start) ||
            !read_word(heap, module, layout->moduledata_types_end, &types->end))
            return false;
        if (address >= types->start && address < types->end)
            return true;
        if (!read_word(heap, module, layout->moduledata_next, &module))
            return false;
    }
    return false;
}

/* How many bytes the length takes; 0: it has no end. */
static uint64_t take_length(const uint8_t *at, uint64_t *length)
{
    *length = 0;
    for (unsigned i = 0; i < LENGTH_BYTES_MAX; i++) {
        *length |= (uint64_t)(at[i] & 0x7f) << 7 * i;
        if ((at[i] & 0x80) == 0)
            return i + 1;
    }
    return 0;
}

bool go_type_name(char name[GO_TYPE_NAME_BYTES], const struct go_heap *heap, uintptr_t address,
                  const struct go_type_head *head)
{
    static const char CUT[] = "...";
    struct range types;
    uint8_t front[FRONT_BYTES];
    uint64_t length;
    if (head->name_offset <= 0 || !find_types(heap, address, &types) ||
        (uint64_t)head->name_offset + FRONT_BYTES > types.end - types.start)
        return false;
    uintptr_t at = types.start + (uint64_t)head->name_offset;
    if (!reader_read(heap->reader, at, front, sizeof front))
        return false;
    uint64_t length_bytes = take_length(front + 1, &length);
    at += 1 + length_bytes;
    if (length_bytes == 0 || length <= head->has_extra_star || length > types.end - at)
        return false;
    at += head->has_extra_star;
    length -= head->has_extra_star;
    uint64_t shown = min_u64(length, GO_TYPE_NAME_BYTES - 1);
    if (!reader_read(heap->reader, at, name, shown) || memchr(name, '\0', shown) != NULL)
        return false;
    name[shown] = '\0';
    if (shown < length)
        memcpy(name + shown - (sizeof CUT - 1), CUT, sizeof CUT);
    return true;
}
