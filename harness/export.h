/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch export`: a dump in a format that other tools read.
 */
#ifndef GPW_HARNESS_EXPORT_H
#define GPW_HARNESS_EXPORT_H

#include "harness/command.h"

enum exit_code export_run(int argc, char **argv);

#endif
