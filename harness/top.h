/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch top`: a live view of a Go process, from outside.
 */
#ifndef GPW_HARNESS_TOP_H
#define GPW_HARNESS_TOP_H

#include "harness/command.h"

enum exit_code top_run(int argc, char **argv);

#endif
