/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch report --html`: one page in one file, for people with a browser. It loads nothing from anywhere, and its
 * own policy forbids that it could: what stands in it is a template (harness/html/) and the dumps as data.
 */
#ifndef GPW_HARNESS_HTML_REPORT_H
#define GPW_HARNESS_HTML_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/command.h"
#include "harness/error.h"
#include "harness/html_data.h"

/* Writes the page to a file ("-": standard output), whole or not at all. `dumps` from the oldest to the newest, at
 * least one. False: `error` says why. */
bool html_report_write(const char *path, const struct html_dump *dumps, uint32_t dumps_count, struct error *error);

/* The edge: reads the dumps, writes the page, talks. A dump that cannot be read does not keep the others from being
 * shown. `symbols`: where names are looked for; or NULL. */
enum exit_code html_report_run(const char *path, char **dump_paths, uint32_t dumps_count,
                               const struct symbols_options *symbols);

#endif
