/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing protocol buffers: the wire format, nothing of a schema.
 *
 * A message is a run of fields, each a tag (number and kind) and a value. Only two kinds are needed here: a varint (7
 * bits a byte, low ones first, the top bit says that more follow) and bytes with their length before them, which is
 * what texts, messages and packed lists are. So an inner message is written to a buffer of its own first.
 *
 * An allocation that fails is remembered and everything after it is ignored: the caller asks once, at the end.
 */
#ifndef GPW_HARNESS_PROTOBUF_H
#define GPW_HARNESS_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed, it is an empty message. */
struct protobuf {
    uint8_t *bytes;
    size_t count, capacity;
    bool is_out_of_memory;
};

/* A zero is left out: it is what a reader takes for a field that is not there. */
void protobuf_put_number(struct protobuf *message, uint32_t field, uint64_t value);
/* A text is written when it is empty too: a list of texts needs each of its entries. */
void protobuf_put_text(struct protobuf *message, uint32_t field, const char *text);
/* A list of numbers; all of them, zeros too. */
void protobuf_put_numbers(struct protobuf *message, uint32_t field, const uint64_t *values, size_t count);
void protobuf_put_message(struct protobuf *message, uint32_t field, const struct protobuf *inner);
/* The fields of `more` behind those of `message`. */
void protobuf_append(struct protobuf *message, const struct protobuf *more);

/* Makes it empty and keeps its room. */
void protobuf_clear(struct protobuf *message);
void protobuf_free(struct protobuf *message);

#endif
