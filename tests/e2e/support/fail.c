/* SPDX-License-Identifier: Apache-2.0
 *
 * A failure outside of a test (in a child before exec, in a hook of the runner) has no test to end: it aborts.
 */
#include "tests/e2e/support/fail.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENTENCE_BYTES = 32768 };

static char sentence[SENTENCE_BYTES];

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    cr_assert_fail("%s", sentence);
    abort();
}

void fail_with_errno(const char *format, ...)
{
    int number = errno;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof sentence)
        snprintf(sentence + length, sizeof sentence - (size_t)length, ": %s", strerror(number));
    cr_assert_fail("%s", sentence);
    abort();
}
