/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch attach`: a dump of a running Go process that nobody watched.
 */
#ifndef GPW_HARNESS_ATTACH_H
#define GPW_HARNESS_ATTACH_H

#include "harness/command.h"

enum exit_code attach_run(int argc, char **argv);

#endif
