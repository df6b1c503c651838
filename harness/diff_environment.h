/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether two dumps may be compared at all: same program, right order, same circumstances.
 */
#ifndef GPW_HARNESS_DIFF_ENVIRONMENT_H
#define GPW_HARNESS_DIFF_ENVIRONMENT_H

#include "harness/diff.h"

/* A line for each thing that a reader must know before believing the numbers; none when there is nothing. */
void diff_write_notes(FILE *out, const struct dump *old_dump, const struct dump *new_dump,
                      const struct diff_options *options);

#endif
