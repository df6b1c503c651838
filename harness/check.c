/* SPDX-License-Identifier: Apache-2.0
 *
 * The subcommand.
 */
#include "harness/check.h"

#include <stdio.h>

#include "harness/check_gate.h"

enum exit_code check_run(int argc, char **argv)
{
    struct check_options options;
    enum exit_code code;
    if (check_options_read(&options, "check", argc, argv, &code))
        code = check_gate_run(&options, "check", stdout);
    check_options_free(&options);
    return code;
}
