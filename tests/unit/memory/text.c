/* SPDX-License-Identifier: Apache-2.0
 *
 * The cursor and the line reader: what they take, what they refuse, and that no buffer is too small and no line too
 * long for them.
 */
#include "memory/text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/files.h"
#include "tests/unit/support/random.h"

Test(text, takes_numbers_that_fit_and_nothing_else)
{
    static const struct {
        const char *text;
        bool is_hex, is_taken;
        uint64_t value;
        const char *rest;
    } CASES[] = {
        {"0", false, true, 0, ""},
        {"42 kB", false, true, 42, " kB"},
        {"18446744073709551615", false, true, UINT64_MAX, ""},
        {"18446744073709551616", false, false, 0, "18446744073709551616"},
        {"99999999999999999999999", false, false, 0, "99999999999999999999999"},
        {"", false, false, 0, ""},
        {"-1", false, false, 0, "-1"},
        {" 1", false, false, 0, " 1"},
        {"a", false, false, 0, "a"},
        {"7f", false, true, 7, "f"},
        {"7fFfg", true, true, 0x7fff, "g"},
        {"ffffffffffffffff", true, true, UINT64_MAX, ""},
        {"10000000000000000", true, false, 0, "10000000000000000"},
        {"00000000000000000000ab-", true, true, 0xab, "-"},
        {"g", true, false, 0, "g"},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct text text = text_of(CASES[i].text);
        uint64_t value = 0;
        bool is_taken = CASES[i].is_hex ? text_take_hex(&text, &value) : text_take_decimal(&text, &value);
        cr_expect_eq(is_taken, CASES[i].is_taken, "\"%s\"", CASES[i].text);
        cr_expect_eq(value, CASES[i].value, "\"%s\" gives %lu", CASES[i].text, value);
        cr_expect(text_equals(text, CASES[i].rest), "\"%s\" leaves \"%s\"", CASES[i].text, text.at);
    }
}

Test(text, never_reads_behind_its_end)
{
    const char digits[] = "123456";
    struct text text = {digits, digits + 3};
    uint64_t value;
    cr_assert(text_take_decimal(&text, &value));
    cr_expect_eq(value, 123);
    cr_expect_not(text_take_char(&text, '4'));
    cr_expect_not(text_take_decimal(&text, &value));
}

Test(text, compares_whole_and_prefix)
{
    struct text text = text_of("VmRSS:\t 5");
    cr_expect(text_starts_with(text, ""));
    cr_expect(text_starts_with(text, "VmRSS:"));
    cr_expect_not(text_starts_with(text, "VmRSS:\t 56"));
    struct text word = text_take_word(&text);
    cr_expect(text_equals(word, "VmRSS:"));
    cr_expect_not(text_equals(word, "VmRSS"));
    text_skip_spaces(&text);
    cr_expect(text_equals(text, "5"));
    cr_expect(text_take_char(&text, '5'));
    cr_expect(text_equals(text_take_word(&text), ""));
}

/* All lines of `content` through a buffer of `buffer_bytes`, joined by '|'; "~" behind one that was cut. */
static void read_lines(const char *content, uint64_t bytes, uint64_t buffer_bytes, char *joined)
{
    struct memory_file file = memory_file_make(content, bytes);
    /* Exactly as large as said, from malloc: a tool that watches bounds sees an overrun. */
    char *buffer = malloc(buffer_bytes);
    struct line_reader reader;
    struct text line;
    cr_assert_eq(line_reader_open(&reader, file.path, buffer, buffer_bytes), 0);
    char *at = joined;
    while (line_reader_next(&reader, &line)) {
        uint64_t line_bytes = (uint64_t)(line.end - line.at);
        cr_assert_leq(line_bytes, buffer_bytes);
        memcpy(at, line.at, line_bytes);
        at += line_bytes;
        *at++ = reader.is_cut ? '~' : '|';
    }
    *at = '\0';
    cr_expect_eq(reader.error, 0);
    cr_expect_not(line_reader_next(&reader, &line), "after the end comes nothing");
    line_reader_close(&reader);
    cr_expect_eq(reader.fd, -1);
    free(buffer);
    memory_file_close(&file);
}

Test(line_reader, splits_into_lines)
{
    static const struct {
        const char *content;
        uint64_t buffer_bytes;
        const char *joined;
    } CASES[] = {
        {"", 8, ""},
        {"", 1, ""},
        {"\n", 8, "|"},
        {"\n\n", 1, "||"},
        {"a\nbc\n", 8, "a|bc|"},
        {"a\nbc", 8, "a|bc|"},
        {"a", 1, "a~"}, /* whether a newline follows is not known while the buffer is full */
        {"a\n", 1, "a~"},
        {"abcd\n", 4, "abcd~"},
        {"abc\n", 4, "abc|"},
        {"abcd\nef\n", 4, "abcd~ef|"},
        {"abcdefghijkl\nm\n", 4, "abcd~m|"},
        {"x\nabcdefghijkl", 4, "x|abcd~"},
        {"abcdefghijkl\n", 1, "a~"},
        {"ab\ncd\nef\ngh\n", 3, "ab|cd|ef|gh|"},
        {"abcde\n\nf\n", 4, "abcd~|f|"},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char joined[64];
        read_lines(CASES[i].content, strlen(CASES[i].content), CASES[i].buffer_bytes, joined);
        cr_expect_str_eq(joined, CASES[i].joined, "case %u gives %s", i, joined);
    }
}

/* The same, told simply: from the whole text at once. */
static void split_simply(const char *content, uint64_t buffer_bytes, char *joined)
{
    while (*content != '\0') {
        uint64_t bytes = strcspn(content, "\n");
        bool is_cut = bytes >= buffer_bytes;
        uint64_t kept = is_cut ? buffer_bytes : bytes;
        memcpy(joined, content, kept);
        joined += kept;
        *joined++ = is_cut ? '~' : '|';
        content += bytes + (content[bytes] == '\n');
    }
    *joined = '\0';
}

Test(line_reader, agrees_with_splitting_the_whole_text_for_every_buffer_size)
{
    struct random random = {7};
    for (int round = 0; round < 60; round++) {
        char content[400], joined[1000], expected[1000];
        uint64_t bytes = random_below(&random, sizeof content - 1);
        for (uint64_t i = 0; i < bytes; i++)
            content[i] = random_below(&random, 9) == 0 ? '\n' : (char)('a' + random_below(&random, 26));
        content[bytes] = '\0';
        for (uint64_t buffer_bytes = 1; buffer_bytes < 40; buffer_bytes += 1 + random_below(&random, 5)) {
            read_lines(content, bytes, buffer_bytes, joined);
            split_simply(content, buffer_bytes, expected);
            cr_assert_str_eq(joined, expected, "round %d, buffer of %lu", round, buffer_bytes);
        }
    }
}

Test(line_reader, keeps_zero_bytes_inside_a_line)
{
    char joined[32];
    read_lines("a\0b\nc\n", 6, 16, joined);
    cr_expect_arr_eq(joined, "a\0b|c|", 7);
}

Test(line_reader, says_why_a_file_cannot_be_opened_or_read)
{
    struct line_reader reader;
    struct text line;
    char buffer[16];
    cr_expect_eq(line_reader_open(&reader, "/nonexistent/file", buffer, sizeof buffer), -ENOENT);
    line_reader_close(&reader); /* harmless */
    cr_assert_eq(line_reader_open(&reader, "/tmp", buffer, sizeof buffer), 0);
    cr_expect_not(line_reader_next(&reader, &line));
    cr_expect_eq(reader.error, -EISDIR);
    line_reader_close(&reader);
}

Test(read_small_file, cuts_and_terminates)
{
    struct memory_file file = memory_file_of_text("madvise\n");
    char buffer[16];
    memset(buffer, 'x', sizeof buffer);
    cr_expect_eq(read_small_file(file.path, buffer, sizeof buffer), 8);
    cr_expect_str_eq(buffer, "madvise\n");
    cr_expect_eq(read_small_file(file.path, buffer, 4), 3);
    cr_expect_str_eq(buffer, "mad");
    cr_expect_eq(read_small_file(file.path, buffer, 1), 0);
    cr_expect_str_eq(buffer, "");
    cr_expect_eq(read_small_file("/nonexistent/file", buffer, sizeof buffer), -ENOENT);
    cr_expect_eq(read_small_file("/tmp", buffer, sizeof buffer), -EISDIR);
    memory_file_close(&file);
}

Test(line_reader, leaves_no_descriptor_to_an_exec)
{
    struct line_reader reader;
    char buffer[16];
    cr_assert_eq(line_reader_open(&reader, "/proc/self/maps", buffer, sizeof buffer), 0);
    cr_expect(fcntl(reader.fd, F_GETFD) & FD_CLOEXEC);
    line_reader_close(&reader);
}
