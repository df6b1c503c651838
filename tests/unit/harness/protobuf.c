/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire format, byte by byte: the examples of its documentation and the ends of its ranges.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/protobuf.h"

static void expect_bytes(const struct protobuf *message, const char *bytes, size_t count)
{
    cr_assert_not(message->is_out_of_memory);
    cr_assert_eq(message->count, count, "%zu bytes, not %zu", message->count, count);
    cr_expect_eq(memcmp(message->bytes, bytes, count), 0);
}

#define EXPECT_BYTES(message, literal) expect_bytes((message), (literal), sizeof(literal) - 1)

Test(protobuf, numbers_are_varints)
{
    struct protobuf message = {0};
    protobuf_put_number(&message, 1, 150);
    EXPECT_BYTES(&message, "\x08\x96\x01");
    protobuf_clear(&message);
    protobuf_put_number(&message, 2, 127);
    protobuf_put_number(&message, 16, 128);
    protobuf_put_number(&message, 3, UINT64_MAX);
    EXPECT_BYTES(&message, "\x10\x7f\x80\x01\x80\x01\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    protobuf_free(&message);
}

Test(protobuf, zero_is_left_out_but_not_from_a_list)
{
    static const uint64_t VALUES[] = {3, 270, 0, 86942};
    struct protobuf message = {0};
    protobuf_put_number(&message, 1, 0);
    cr_expect_eq(message.count, 0u);
    protobuf_put_numbers(&message, 6, VALUES, 4);
    EXPECT_BYTES(&message, "\x32\x07\x03\x8e\x02\x00\x9e\xa7\x05");
    protobuf_free(&message);
}

Test(protobuf, texts_and_messages_have_their_length_before_them)
{
    struct protobuf message = {0}, inner = {0};
    protobuf_put_text(&message, 2, "testing");
    protobuf_put_text(&message, 2, "");
    protobuf_put_number(&inner, 1, 150);
    protobuf_put_message(&message, 3, &inner);
    protobuf_append(&message, &inner);
    EXPECT_BYTES(&message, "\x12\x07testing\x12\x00\x1a\x03\x08\x96\x01\x08\x96\x01");
    protobuf_free(&message);
    protobuf_free(&inner);
}

Test(protobuf, long_messages_grow)
{
    enum { COUNT = 100000 };
    struct protobuf message = {0};
    for (int i = 0; i < COUNT; i++)
        protobuf_put_text(&message, 1, "ab");
    cr_assert_eq(message.count, (size_t)COUNT * 4);
    for (int i = 0; i < COUNT; i++)
        cr_assert_eq(memcmp(message.bytes + (size_t)i * 4,
                            "\x0a\x02"
                            "ab",
                            4),
                     0);
    protobuf_free(&message);
    cr_expect_null(message.bytes);
}

Test(protobuf, lost_memory_is_remembered_outside)
{
    struct protobuf message = {0}, inner = {.is_out_of_memory = true};
    protobuf_put_text(&inner, 1, "ignored");
    cr_expect_eq(inner.count, 0u);
    protobuf_put_message(&message, 1, &inner);
    cr_expect(message.is_out_of_memory);
    protobuf_free(&message);
}
