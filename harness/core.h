/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch core`: a dump of a Go process that died and left a core file.
 */
#ifndef GPW_HARNESS_CORE_H
#define GPW_HARNESS_CORE_H

#include "harness/command.h"

enum exit_code core_run(int argc, char **argv);

#endif
