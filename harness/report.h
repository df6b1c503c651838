/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch report`: where the RSS went, for people.
 */
#ifndef GPW_HARNESS_REPORT_H
#define GPW_HARNESS_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/command.h"
#include "harness/dump.h"
#include "harness/style.h"
#include "harness/symbols.h"

struct report_options {
    uint32_t width_columns; /* of a terminal; UINT32_MAX: there is none, lines are as long as they need */
    uint32_t top_rows;      /* of each list; 0: few, so that all of it fits a screen */
    bool is_wide;           /* all arenas, one row each, as wide as there is room */
    struct style style;
    struct symbols_options symbols;
};

enum exit_code report_run(int argc, char **argv);

/* Writes the block of one dump. `title` stands above it. Lines are kept within the width by leaving out the column of
 * explanations, breaking sentences, and drawing arenas smaller. Errors of `out` are the caller's to look for. */
void report_write_dump(FILE *out, const struct dump *dump, const char *title, const struct report_options *options);

#endif
