/* SPDX-License-Identifier: Apache-2.0
 *
 * The sentence of an error. It often quotes the input, so it is made printable here, once for all callers.
 */
#include "harness/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "harness/printable.h"

bool error_set(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    /* It is filled here, which the checker does not see. */
    // cppcheck-suppress ctuuninitvar
    int bytes = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    if (bytes < 0)
        error->text[0] = '\0';
    printable_clean(error->text);
    return false;
}
