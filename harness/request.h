/* SPDX-License-Identifier: Apache-2.0
 *
 * gopagewatch dump: asks the shim inside a process for a dump and waits until it is there.
 */
#ifndef GPW_HARNESS_REQUEST_H
#define GPW_HARNESS_REQUEST_H

#include "harness/command.h"

enum exit_code request_run(int argc, char **argv);

#endif
