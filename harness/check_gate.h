/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate from end to end: files to samples, samples to a result, the result into its formats.
 */
#ifndef GPW_HARNESS_CHECK_GATE_H
#define GPW_HARNESS_CHECK_GATE_H

#include <stdio.h>

#include "harness/check_options.h"

/* Does what the options say. `subcommand` complains; `out` gets what has no file of its own. */
enum exit_code check_gate_run(const struct check_options *options, const char *subcommand, FILE *out);

#endif
