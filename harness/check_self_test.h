/* SPDX-License-Identifier: Apache-2.0
 *
 * A gate that cannot fail is worse than none. This plants a regression for each rule, into the baseline's own values or
 * into made-up ones, and looks whether the gate finds it; and whether it lets pass what did not change.
 */
#ifndef GPW_HARNESS_CHECK_SELF_TEST_H
#define GPW_HARNESS_CHECK_SELF_TEST_H

#include <stdio.h>

#include "harness/check_judge.h"
#include "harness/command.h"
#include "harness/samples.h"

/* `samples` hold the baseline, if there is one; they are finished here. Without rules one of each kind is tried. Writes
 * a line for each. EXIT_CODE_OK: all were caught and nothing else; EXIT_CODE_INCONCLUSIVE: not so. */
enum exit_code check_self_test(FILE *out, struct samples *samples, const struct check_settings *settings,
                               const char *subcommand);

#endif
