/* SPDX-License-Identifier: Apache-2.0
 *
 * The formats that a gate's result is written in. One table: the command line, the help page and docs/ci.md follow it.
 *
 * A format is one function, in a file of its own. It writes to `out` and does not look whether the bytes arrive (the
 * caller does); it returns false, with `error`, when there is no memory for it.
 */
#ifndef GPW_HARNESS_CHECK_FORMAT_H
#define GPW_HARNESS_CHECK_FORMAT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/check_result.h"
#include "harness/error.h"
#include "harness/style.h"

/* How the reader looks at it: for the text, the others look the same everywhere. */
struct check_view {
    uint32_t width_columns; /* UINT32_MAX: no terminal */
    struct style style;
};

struct check_format {
    const char *name, *summary;
    bool (*write)(FILE *out, const struct check_result *result, const struct check_view *view, struct error *error);
};

extern const struct check_format CHECK_FORMATS[];
extern const uint32_t CHECK_FORMATS_COUNT;

/* NULL: there is none of that name. */
const struct check_format *check_format_find(const char *name);

/* The functions of the table. */
#define CHECK_FORMAT_FUNCTION(name)                                                                        \
    bool check_##name##_write(FILE *out, const struct check_result *result, const struct check_view *view, \
                              struct error *error)
CHECK_FORMAT_FUNCTION(text);
CHECK_FORMAT_FUNCTION(json);
CHECK_FORMAT_FUNCTION(markdown);
CHECK_FORMAT_FUNCTION(junit);
CHECK_FORMAT_FUNCTION(github);
CHECK_FORMAT_FUNCTION(openmetrics);
CHECK_FORMAT_FUNCTION(gobench);

/* Adds the markdown to the end of a file: for $GITHUB_STEP_SUMMARY, which all steps of a job add to. False: `error`
 * says why, without the path. */
bool check_github_append_summary(const struct check_result *result, const char *path, struct error *error);

#endif
