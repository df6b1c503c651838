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
    enum exit_code code = check_options_read(&options, "check", argc, argv);
    if (code == EXIT_CODE_OK && options.wants_help)
        fputs(check_options_usage, stdout);
    else if (code == EXIT_CODE_OK)
        code = check_gate_run(&options, "check", stdout);
    check_options_free(&options);
    return code;
}
