/* SPDX-License-Identifier: Apache-2.0
 *
 * gopagewatch check: the CI gate.
 */
#ifndef GPW_HARNESS_CHECK_H
#define GPW_HARNESS_CHECK_H

#include "harness/command.h"

enum exit_code check_run(int argc, char **argv);

#endif
