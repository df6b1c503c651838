/* SPDX-License-Identifier: Apache-2.0
 *
 * gopagewatch run: a program under the shim.
 */
#ifndef GPW_HARNESS_RUN_H
#define GPW_HARNESS_RUN_H

#include "harness/command.h"

/* Returns only when the program cannot be started. */
enum exit_code run_run(int argc, char **argv);

#endif
