/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch doctor`: what will work here, and why not.
 */
#ifndef GPW_HARNESS_DOCTOR_H
#define GPW_HARNESS_DOCTOR_H

#include "harness/command.h"

enum exit_code doctor_run(int argc, char **argv);

#endif
