/* SPDX-License-Identifier: Apache-2.0
 *
 * gopagewatch.ini: the rules of a gate as a file that is committed beside the program.
 *
 *   [check]             alpha, min-samples, top, baseline, require-same-env, format, label, phase
 *   [limit] [growth] [slope] [exact]      METRIC = BOUND
 *
 * A relative path of a baseline begins where the file is.
 */
#ifndef GPW_HARNESS_CHECK_CONFIG_H
#define GPW_HARNESS_CHECK_CONFIG_H

#include <stdbool.h>

#include "harness/check_options.h"

/* False: `error` names the line, what is wrong with it and what is accepted. `*is_missing`: the file cannot be read. */
bool check_config_read(struct check_options *options, const char *path, bool *is_missing, struct error *error);

#endif
