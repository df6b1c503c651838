/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch help`: the list of commands, the page of one, and what is made of all pages.
 */
#ifndef GPW_HARNESS_HELP_H
#define GPW_HARNESS_HELP_H

#include "harness/command.h"

/* The first page. */
void help_write_list(const struct command *commands, uint32_t count);
enum exit_code help_show(const struct command *commands, uint32_t count, int argc, char **argv);

#endif
