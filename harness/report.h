/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch report`: where the RSS went, for people.
 */
#ifndef GPW_HARNESS_REPORT_H
#define GPW_HARNESS_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "harness/command.h"
#include "harness/dump.h"

enum exit_code report_run(int argc, char **argv);

/* Writes the block of one dump. `title` stands above it; lines of the table are kept within `width_columns` by leaving
 * out the column of explanations. Errors of `out` are the caller's to look for. */
void report_write_dump(FILE *out, const struct dump *dump, const char *title, uint32_t width_columns);

#endif
