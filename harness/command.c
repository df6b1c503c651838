/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors, usage and the end of the output. Everything on stderr is made printable: file names may hold anything.
 */
#include "harness/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/printable.h"

enum { LINE_BYTES_MAX = 8192 }; /* a path of PATH_MAX and a sentence */

__attribute__((format(printf, 1, 2))) static void print_line(const char *format, ...)
{
    char line[LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    printable_clean(line);
    fflush(stdout);
    fprintf(stderr, "gopagewatch: %s\n", line);
}

void command_complain(const char *subcommand, const char *thing, const struct error *error)
{
    if (subcommand == NULL)
        print_line("%s: %s", thing, error->text);
    else
        print_line("%s: %s: %s", subcommand, thing, error->text);
}

void command_tell(const char *subcommand, const char *format, ...)
{
    char what[LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    print_line("%s: %s", subcommand, what);
}

enum exit_code command_refuse_use(const char *subcommand, const char *format, ...)
{
    char what[LINE_BYTES_MAX / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (subcommand == NULL)
        print_line("%s; 'gopagewatch help' lists the commands", what);
    else
        print_line("%s: %s; 'gopagewatch %s --help' shows the use", subcommand, what, subcommand);
    return EXIT_CODE_WRONG_USE;
}

enum exit_code command_finish_output(enum exit_code code)
{
    errno = 0;
    bool is_lost = fflush(stdout) != 0;
    if (!is_lost && !ferror(stdout))
        return code;
    print_line("standard output: %s; the output is not whole", errno != 0 ? strerror(errno) : "a write failed");
    return code == EXIT_CODE_OK ? EXIT_CODE_UNREADABLE : code;
}

uint32_t command_output_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return UINT32_MAX;
    return size.ws_col;
}
