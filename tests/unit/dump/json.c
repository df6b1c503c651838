/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON writer, read back by jansson: every string, every number, every size around the buffer's, and errors.
 */
#include "dump/json.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/json_file.h"
#include "tests/unit/support/random.h"

static struct json_file file;

/* `text` written as a JSON string and read back. */
static char *round_trip(const char *text)
{
    json_file_open(&file);
    json_put_string(&file.json, NULL, text);
    struct json_t *parsed = json_file_parse(&file);
    char *copy = strdup(parsed_string(parsed, ""));
    parsed_free(parsed);
    json_file_close(&file);
    return copy;
}

Test(json, valid_text_comes_back_as_it_was)
{
    static const char *const TEXTS[] = {
        "",
        "plain",
        "\"quoted\" \\ back/slash",
        "\b\f\n\r\t\x01\x1f",
        "\x7f",
        "a\xc2\x80z",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xe2\x82\xac",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "\xf0\x9f\x92\xbe",
        "</script>",
        "%s%n",
    };
    for (unsigned i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        char *back = round_trip(TEXTS[i]);
        cr_expect_str_eq(back, TEXTS[i], "text %u", i);
        free(back);
    }
}

#define BAD "\xef\xbf\xbd" /* U+FFFD */

Test(json, bytes_that_are_not_utf_8_become_replacement_characters)
{
    static const struct {
        const char *text, *back;
    } CASES[] = {
        {"\x80", BAD},             /* a continuation alone */
        {"a\xff z", "a" BAD " z"}, /* never a byte of UTF-8 */
        {"\xc3", BAD},             /* cut short */
        {"\xc3(", BAD "("},        /* what follows is kept */
        {"\xc0\xaf", BAD BAD},     /* overlong */
        {"\xc1\xbf", BAD BAD},
        {"\xe0\x9f\xbf", BAD BAD BAD},         /* overlong */
        {"\xed\xa0\x80", BAD BAD BAD},         /* a surrogate */
        {"\xf0\x8f\xbf\xbf", BAD BAD BAD BAD}, /* overlong */
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", BAD BAD BAD BAD},
        {"\xe2\x82", BAD BAD},
        {"\xf0\x9f\x92", BAD BAD BAD},
        {"\xe2\x82\xac\xe2\x82", "\xe2\x82\xac" BAD BAD},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *back = round_trip(CASES[i].text);
        cr_expect_str_eq(back, CASES[i].back, "case %u", i);
        free(back);
    }
}

Test(json, any_bytes_make_a_valid_document)
{
    struct random random = {29};
    for (int round = 0; round < 2000; round++) {
        char text[41];
        uint64_t bytes = random_below(&random, sizeof text);
        for (uint64_t i = 0; i < bytes; i++)
            text[i] = (char)(1 + random_below(&random, 255));
        text[bytes] = '\0';
        free(round_trip(text));
    }
}

Test(json, numbers_are_exact_up_to_the_largest_that_readers_know)
{
    static const struct {
        uint64_t value;
        int64_t back;
    } CASES[] = {{0, 0},
                 {9, 9},
                 {10, 10},
                 {1ull << 53, 1ll << 53},
                 {(1ull << 53) + 1, (1ll << 53) + 1},
                 {INT64_MAX, INT64_MAX},
                 {1ull << 63, INT64_MAX},
                 {UINT64_MAX, INT64_MAX}};
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        json_file_open(&file);
        json_put_number(&file.json, NULL, CASES[i].value);
        struct json_t *parsed = json_file_parse(&file);
        cr_expect_eq(parsed_integer(parsed, ""), CASES[i].back);
        parsed_free(parsed);
        json_file_close(&file);
    }
}

static void expect_document(const char *expected)
{
    cr_assert_eq(json_finish(&file.json), 0);
    char *text = memory_file_content(&file.file);
    cr_expect_str_eq(text, expected);
    free(text);
    parsed_free(json_file_parse(&file));
    json_file_close(&file);
}

Test(json, commas_and_nesting_are_its_business)
{
    static const uint8_t BYTES[] = {0x00, 0xa5, 0xff};
    json_file_open(&file);
    struct json *json = &file.json;
    json_begin_object(json, NULL);
    json_begin_array(json, "empty");
    json_end_array(json);
    json_begin_object(json, "object");
    json_end_object(json);
    json_newline(json);
    json_begin_array(json, "rows");
    json_begin_array(json, NULL);
    json_put_number(json, NULL, 1);
    json_put_string(json, NULL, "x");
    json_end_array(json);
    json_newline(json);
    json_begin_object(json, NULL);
    json_put_bool(json, "yes", true);
    json_put_bool(json, "no", false);
    json_end_object(json);
    json_put_null(json, NULL);
    json_end_array(json);
    json_put_null(json, "nothing");
    json_put_string_or_null(json, "unset", NULL);
    json_put_string_or_null(json, "set", "");
    json_put_address(json, "zero", 0);
    json_put_address(json, "top", UINTPTR_MAX);
    json_put_address(json, "arena", 0xc000000000);
    json_put_hex_bytes(json, "id", BYTES, sizeof BYTES);
    json_put_hex_bytes(json, "no id", BYTES, 0);
    json_end_object(json);
    expect_document("{\"empty\":[],\"object\":{}\n,\"rows\":[[1,\"x\"]\n,{\"yes\":true,\"no\":false},null],"
                    "\"nothing\":null,\"unset\":null,\"set\":\"\",\"zero\":\"0x0\",\"top\":\"0xffffffffffffffff\","
                    "\"arena\":\"0xc000000000\",\"id\":\"00a5ff\",\"no id\":\"\"}");
}

Test(json, keys_are_escaped_like_strings)
{
    json_file_open(&file);
    json_begin_object(&file.json, NULL);
    json_put_number(&file.json, "a\"\n\xff", 1);
    json_end_object(&file.json);
    struct json_t *parsed = json_file_parse(&file);
    cr_expect_eq(parsed_integer(parsed, "a\"\n" BAD), 1);
    parsed_free(parsed);
    json_file_close(&file);
}

/* The end of the buffer falls on every byte of an escape, of a sequence and of a quote. */
Test(json, is_whole_whatever_falls_on_the_end_of_its_buffer)
{
    static const char *const TAILS[] = {"z", "\"", "\x01", "\xff", "\xe2\x82\xac", "\xf0\x9f\x92\xbe"};
    static const char *const BACKS[] = {"z", "\"", "\x01", BAD, "\xe2\x82\xac", "\xf0\x9f\x92\xbe"};
    enum { TAIL_BYTES_MAX = 8, AROUND = 12 };
    char *text = malloc(2 * JSON_BUFFER_BYTES + AROUND + TAIL_BYTES_MAX);
    for (uint64_t laps = 1; laps <= 2; laps++) {
        uint64_t end = laps * JSON_BUFFER_BYTES;
        for (uint64_t bytes = end - AROUND; bytes < end + 3; bytes++) {
            for (unsigned tail = 0; tail < sizeof TAILS / sizeof TAILS[0]; tail++) {
                memset(text, 'a', bytes);
                strcpy(text + bytes, TAILS[tail]);
                char *back = round_trip(text);
                cr_expect_eq(strlen(back), bytes + strlen(BACKS[tail]));
                cr_expect_str_eq(back + bytes, BACKS[tail], "%lu bytes before", bytes);
                free(back);
            }
        }
    }
    free(text);
}

Test(json, a_document_much_larger_than_the_buffer_is_whole)
{
    enum { ROWS = 40000 };
    json_file_open(&file);
    json_begin_array(&file.json, NULL);
    for (uint64_t i = 0; i < ROWS; i++)
        json_put_number(&file.json, NULL, i * 1000003);
    json_end_array(&file.json);
    struct json_t *parsed = json_file_parse(&file);
    cr_assert_eq(parsed_size(parsed, ""), ROWS);
    for (int64_t i = 0; i < ROWS; i++) {
        char place[24];
        snprintf(place, sizeof place, "%ld", i);
        cr_assert_eq(parsed_integer(parsed, place), i * 1000003);
    }
    parsed_free(parsed);
    json_file_close(&file);
}

static int write_large_document(int fd)
{
    static char buffer[JSON_BUFFER_BYTES];
    struct json json;
    json_open(&json, fd, buffer);
    json_begin_array(&json, NULL);
    for (uint64_t i = 0; i < 40000; i++)
        json_put_number(&json, NULL, UINT64_MAX);
    json_end_array(&json);
    int error = json_finish(&json);
    cr_expect_eq(json_finish(&json), error, "the error stays");
    return error;
}

Test(json, an_error_is_kept_and_told_at_the_end)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(full, 0);
    cr_expect_eq(write_large_document(full), -ENOSPC);
    cr_expect_eq(fcntl(full, F_GETFD) >= 0, true, "the descriptor stays open");
    close(full);
    cr_expect_eq(write_large_document(-1), -EBADF);
    int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_expect_eq(write_large_document(read_only), -EBADF);
    close(read_only);
}

/* The program closed the descriptor, and has another file there. */
Test(json, nothing_is_written_into_another_file)
{
    static char buffer[JSON_BUFFER_BYTES];
    struct memory_file ours = memory_file_of_text(""), its = memory_file_of_text("the program's");
    struct file_identity identity = file_identity_of(ours.fd);
    struct json json;
    json_open(&json, ours.fd, buffer);
    json.file = &identity;
    json_put_number(&json, NULL, 1);
    cr_expect_eq(json_finish(&json), 0);
    json_put_number(&json, NULL, 2);
    cr_assert_eq(dup2(its.fd, ours.fd), ours.fd);
    cr_expect_eq(json_finish(&json), -EBADF);
    char *content = memory_file_content(&its);
    cr_expect_str_eq(content, "the program's");
    free(content);
    memory_file_close(&ours);
    memory_file_close(&its);
}

/* A pipe takes a little at a time. */
Test(json, short_writes_are_continued)
{
    enum { ROWS = 40000 };
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_geq(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]); /* so that it ends when the reader does */
        _exit(write_large_document(ends[1]) == 0 ? 0 : 1);
    }
    close(ends[1]);
    struct json_t *parsed = parsed_descriptor(ends[0]);
    cr_expect_eq(parsed_size(parsed, ""), ROWS);
    parsed_free(parsed);
    close(ends[0]);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
}
