/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch diff`: what grew and what shrank between two dumps.
 */
#ifndef GPW_HARNESS_DIFF_H
#define GPW_HARNESS_DIFF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/command.h"
#include "harness/dump.h"
#include "harness/style.h"

struct diff_options {
    uint32_t width_columns; /* of a terminal; UINT32_MAX: there is none */
    uint32_t top_rows;      /* of each table; 0: the usual number */
    bool shows_all;         /* all rows, those without change too */
    struct style style;
};

/* What is compared: a dump and the name it goes by. */
struct diff_side {
    const struct dump *dump;
    const char *path; /* printable */
};

enum exit_code diff_run(int argc, char **argv);

/* Writes all of it. False: there was no memory to sort the rows, and `error` says so. Errors of `out` are the caller's
 * to look for. */
bool diff_write(FILE *out, const struct diff_side *old_side, const struct diff_side *new_side,
                const struct diff_options *options, struct error *error);

#endif
