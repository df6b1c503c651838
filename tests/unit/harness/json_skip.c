/* SPDX-License-Identifier: Apache-2.0
 *
 * What is left out of a document before it is parsed, held against jansson on the whole document.
 */
#include "harness/json_skip.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

static const char *const KEYS[] = {"events", "maps", NULL};

/* Filters in pieces of `piece_bytes`. */
static size_t filter(char *text, size_t count, size_t piece_bytes)
{
    struct json_skip skip = {.keys = KEYS};
    size_t kept = 0;
    for (size_t at = 0; at < count; at += piece_bytes) {
        size_t rest = count - at < piece_bytes ? count - at : piece_bytes;
        size_t of_piece = json_skip_filter(&skip, text + at, rest);
        memmove(text + kept, text + at, of_piece);
        kept += of_piece;
    }
    return kept;
}

static json_t *parse(const char *text, size_t count)
{
    json_error_t error;
    json_t *document = json_loadb(text, count, 0, &error);
    cr_assert_not_null(document, "%.*s: %s", (int)count, text, error.text);
    return document;
}

static void empty(json_t *document, const char *key)
{
    json_t *value = json_object_get(document, key);
    if (json_is_array(value))
        json_array_clear(value);
    else if (json_is_object(value))
        json_object_clear(value);
}

static const char *const DOCUMENTS[] = {
    "{}",
    "[]",
    "{\"maps\":[],\"events\":{}}",
    "{\"events\":{\"rows\":[[1,2],[3,\"]}\"]]},\"rss\":1}",
    "{ \"a\" : [1, {\"maps\": [1, 2]}], \"maps\" : [ { \"x\" : \"[\\\"{\" } , 7 ], \"b\" : \"maps\", \"c\": [3] }",
    /* The same text as a value, as a longer key, as a key inside. */
    "{\"x\":\"events\",\"y\":[4],\"events2\":[5],\"event\":[6],\"events\":[7]}",
    "{\"go\":{\"events\":[1],\"maps\":{\"a\":1}},\"maps\":[[[[]]]]}",
    /* No list and no object: it stays. */
    "{\"events\":1,\"maps\":\"[1,2]\",\"x\":[1]}",
    "{\"events\":null,\"x\":{\"y\":[1]},\"maps\":true}",
    "{\"a\":\"\\\\\",\"maps\":[1],\"b\":\"\\\"maps\\\":[\",\"c\":[2]}",
    "{\"a long key that fits no room that anybody would make for one of ours\":[1],\"maps\":[2]}",
    "[\"maps\",[1],{\"maps\":[2]}]",
};

Test(json_skip, leaves_out_what_is_named_and_nothing_else)
{
    for (size_t i = 0; i < sizeof DOCUMENTS / sizeof DOCUMENTS[0]; i++) {
        size_t count = strlen(DOCUMENTS[i]);
        json_t *expected = parse(DOCUMENTS[i], count);
        empty(expected, "events");
        empty(expected, "maps");
        for (size_t piece_bytes = 1; piece_bytes <= count; piece_bytes++) {
            char text[256];
            memcpy(text, DOCUMENTS[i], count);
            size_t kept = filter(text, count, piece_bytes);
            json_t *got = parse(text, kept);
            cr_assert(json_equal(got, expected), "%s: %.*s", DOCUMENTS[i], (int)kept, text);
            json_decref(got);
        }
        json_decref(expected);
    }
}

Test(json_skip, takes_the_bytes_out)
{
    char text[] = "{\"maps\":[1,2,3,4,5,6,7,8],\"x\":1}";
    size_t kept = filter(text, strlen(text), 7);
    cr_assert_eq(kept, strlen("{\"maps\":[],\"x\":1}"));
    cr_assert_arr_eq(text, "{\"maps\":[],\"x\":1}", kept);
}

/* Brackets that do not match, ends in the middle: no more than the bytes that were there. */
Test(json_skip, noise_is_left_to_the_parser)
{
    static const char *const NOISE[] = {"",    "]", "]]]]{\"maps\":[", "{\"maps\":[1}", "{\"maps\":[\"", "\"maps\":[1]",
                                        "{{{{"};
    for (size_t i = 0; i < sizeof NOISE / sizeof NOISE[0]; i++) {
        char text[64];
        size_t count = strlen(NOISE[i]);
        memcpy(text, NOISE[i], count);
        cr_assert_leq(filter(text, count, 3), count);
    }
}
