/* SPDX-License-Identifier: Apache-2.0
 *
 * The edge between a subcommand and the person who typed it: exit codes, and the only place that prints errors.
 *
 * A message is one line on stderr: "gopagewatch: SUBCOMMAND: THING: what is wrong; what to do".
 */
#ifndef GPW_HARNESS_COMMAND_H
#define GPW_HARNESS_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/error.h"

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_REGRESSION = 1, /* of a gate */
    EXIT_CODE_WRONG_USE = 2,
    EXIT_CODE_INCONCLUSIVE = 3, /* of a gate */
    EXIT_CODE_UNREADABLE = 4,   /* an input cannot be read, or the output cannot be written */
};

struct command {
    const char *name;
    const char *summary;
    /* argv[0] is the subcommand's name. Returns the exit code; need not flush stdout. */
    enum exit_code (*run)(int argc, char **argv);
};

/* Prints why `thing` (a file, a PID) failed; what is on stdout already comes first. `subcommand` may be NULL. */
void command_complain(const char *subcommand, const char *thing, const struct error *error);
/* Talk: a line on stderr that is no error. */
__attribute__((format(printf, 2, 3))) void command_tell(const char *subcommand, const char *format, ...);
/* Prints wrong use with the page that tells right use; returns EXIT_CODE_WRONG_USE. */
__attribute__((format(printf, 2, 3))) enum exit_code command_refuse_use(const char *subcommand, const char *format,
                                                                        ...);
/* Flushes stdout. `code`, or EXIT_CODE_UNREADABLE when something did not arrive and `code` was OK. */
enum exit_code command_finish_output(enum exit_code code);
/* How wide the terminal on stdout is; UINT32_MAX when stdout is none. */
uint32_t command_output_columns(void);

#endif
