/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines on stderr: whole, one write each, only from their level on, and numbers and errors as words.
 */
#include "preload/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/files.h"

enum { SAID_BYTES = 8192, LINE_BYTES_MAX = 2048 };

static char said[SAID_BYTES];

Test(log, says_what_its_level_allows)
{
    static const struct {
        enum log_level level;
        const char *said;
    } CASES[] = {
        {LOG_QUIET, ""},
        {LOG_ERROR, "gopagewatch: an error\n"},
        {LOG_INFO, "gopagewatch: an error\ngopagewatch: news\n"},
        {LOG_DEBUG, "gopagewatch: an error\ngopagewatch: news\ngopagewatch: detail\n"},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct captured_stderr captured;
        log_set_level(CASES[i].level);
        capture_stderr_begin(&captured);
        log_error("an ", "error");
        log_info("news");
        log_debug("", "detail", "");
        capture_stderr_end(&captured, said, sizeof said);
        cr_expect_str_eq(said, CASES[i].said);
    }
}

Test(log, says_errors_and_nothing_else_when_nobody_set_a_level)
{
    struct captured_stderr captured;
    capture_stderr_begin(&captured);
    log_error("an error");
    log_info("news");
    capture_stderr_end(&captured, said, sizeof said);
    cr_expect_str_eq(said, "gopagewatch: an error\n");
}

/* Daemons close stderr, and the next file they open has its number. */
Test(log, says_nothing_to_another_file_than_stderr_was)
{
    struct captured_stderr first, second;
    capture_stderr_begin(&first);
    log_open();
    log_error("one");
    capture_stderr_begin(&second);
    log_error("two");
    capture_stderr_end(&second, said, sizeof said);
    cr_expect_str_empty(said);
    log_error("three");
    capture_stderr_end(&first, said, sizeof said);
    cr_expect_str_eq(said, "gopagewatch: one\ngopagewatch: three\n");
}

Test(log, says_nothing_when_stderr_was_closed)
{
    struct captured_stderr captured;
    int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
    close(STDERR_FILENO);
    log_open();
    dup2(kept, STDERR_FILENO);
    capture_stderr_begin(&captured);
    log_error("one");
    capture_stderr_end(&captured, said, sizeof said);
    cr_expect_str_empty(said);
}

Test(log, cuts_a_line_that_is_too_long_and_ends_it)
{
    enum { LONG_BYTES = 3000 };
    static char text[LONG_BYTES + 1];
    memset(text, 'x', LONG_BYTES);
    for (unsigned bytes = 2020; bytes < 2060; bytes++) {
        struct captured_stderr captured;
        capture_stderr_begin(&captured);
        log_error(text + LONG_BYTES - bytes, "end");
        capture_stderr_end(&captured, said, sizeof said);
        cr_expect_leq(strlen(said), (size_t)LINE_BYTES_MAX);
        cr_expect_eq(strchr(said, '\n'), said + strlen(said) - 1, "%u bytes: one line", bytes);
        cr_expect_eq(strstr(said, "end\n") != NULL, 13 + bytes + 4 <= LINE_BYTES_MAX, "%u bytes", bytes);
    }
}

Test(log, writes_numbers)
{
    char buffer[NUMBER_TEXT_BYTES];
    cr_expect_str_eq(number_text(0, buffer), "0");
    cr_expect_str_eq(number_text(10, buffer), "10");
    cr_expect_str_eq(number_text(UINT64_MAX, buffer), "18446744073709551615");
}

Test(log, names_the_errors_that_a_dump_can_meet)
{
    static const struct {
        int number;
        const char *text;
    } CASES[] = {
        {ENOSPC, "no space left on device (ENOSPC)"},
        {EACCES, "permission denied (EACCES)"},
        {EROFS, "read-only file system (EROFS)"},
        {ENOENT, "no such file or directory (ENOENT)"},
        {EBADF, "the program closed its descriptor (EBADF)"},
        {EXDEV, "errno 18"},
        {4095, "errno 4095"},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char buffer[NUMBER_TEXT_BYTES + 8];
        cr_expect_str_eq(error_text(-CASES[i].number, buffer), CASES[i].text);
    }
}
