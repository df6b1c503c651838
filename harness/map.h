/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch map`: how many pages does a map really cost?
 */
#ifndef GPW_HARNESS_MAP_H
#define GPW_HARNESS_MAP_H

#include "harness/command.h"

enum exit_code map_run(int argc, char **argv);

#endif
