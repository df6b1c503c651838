/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire format of protocol buffers, for writing.
 */
#include "harness/protobuf.h"

#include <stdlib.h>
#include <string.h>

enum { KIND_VARINT = 0, KIND_BYTES = 2, KIND_BITS = 3 };
enum { VARINT_BITS = 7, VARINT_MORE = 0x80, VARINT_BYTES_MAX = 10 };
enum { CAPACITY_FIRST = 256 };

/* Room for `bytes` more; NULL, and remembered, when there is none. */
static uint8_t *take_room(struct protobuf *message, size_t bytes)
{
    size_t needed;
    if (message->is_out_of_memory)
        return NULL;
    if (__builtin_add_overflow(message->count, bytes, &needed)) {
        message->is_out_of_memory = true;
        return NULL;
    }
    if (needed > message->capacity) {
        size_t capacity = message->capacity * 2 > needed ? message->capacity * 2 : needed + CAPACITY_FIRST;
        uint8_t *grown = realloc(message->bytes, capacity);
        if (grown == NULL) {
            message->is_out_of_memory = true;
            return NULL;
        }
        message->bytes = grown;
        message->capacity = capacity;
    }
    uint8_t *room = message->bytes + message->count;
    message->count = needed;
    return room;
}

static size_t encode_varint(uint8_t out[VARINT_BYTES_MAX], uint64_t value)
{
    size_t bytes = 0;
    for (; value >= VARINT_MORE; value >>= VARINT_BITS)
        out[bytes++] = (uint8_t)(value | VARINT_MORE);
    out[bytes++] = (uint8_t)value;
    return bytes;
}

static void put_raw(struct protobuf *message, const void *bytes, size_t count)
{
    uint8_t *room = take_room(message, count);
    if (room != NULL && count > 0)
        memcpy(room, bytes, count);
}

static void put_varint(struct protobuf *message, uint64_t value)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    put_raw(message, bytes, encode_varint(bytes, value));
}

static void put_tag(struct protobuf *message, uint32_t field, uint32_t kind)
{
    put_varint(message, (uint64_t)field << KIND_BITS | kind);
}

static void put_bytes(struct protobuf *message, uint32_t field, const void *bytes, size_t count)
{
    put_tag(message, field, KIND_BYTES);
    put_varint(message, count);
    put_raw(message, bytes, count);
}

void protobuf_put_number(struct protobuf *message, uint32_t field, uint64_t value)
{
    if (value == 0)
        return;
    put_tag(message, field, KIND_VARINT);
    put_varint(message, value);
}

void protobuf_put_text(struct protobuf *message, uint32_t field, const char *text)
{
    put_bytes(message, field, text, strlen(text));
}

void protobuf_put_numbers(struct protobuf *message, uint32_t field, const uint64_t *values, size_t count)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += encode_varint(bytes, values[i]);
    put_tag(message, field, KIND_BYTES);
    put_varint(message, total);
    for (size_t i = 0; i < count; i++)
        put_varint(message, values[i]);
}

void protobuf_put_message(struct protobuf *message, uint32_t field, const struct protobuf *inner)
{
    message->is_out_of_memory |= inner->is_out_of_memory;
    put_bytes(message, field, inner->bytes, inner->count);
}

void protobuf_append(struct protobuf *message, const struct protobuf *more)
{
    message->is_out_of_memory |= more->is_out_of_memory;
    put_raw(message, more->bytes, more->count);
}

void protobuf_clear(struct protobuf *message)
{
    message->count = 0;
}

void protobuf_free(struct protobuf *message)
{
    free(message->bytes);
    *message = (struct protobuf){0};
}
