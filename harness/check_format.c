/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of formats.
 */
#include "harness/check_format.h"

#include <stddef.h>
#include <string.h>

const struct check_format CHECK_FORMATS[] = {
    {"text", "for people: the table, why, what grew", check_text_write},
    {"json", "all of it, raw values too", check_json_write},
    {"markdown", "for step summaries and comments", check_markdown_write},
    {"junit", "a testcase for each metric", check_junit_write},
    {"github", "annotations of GitHub Actions", check_github_write},
    {"openmetrics", "for GitLab's metrics report, Prometheus", check_openmetrics_write},
    {"gobench", "raw values for benchstat -col side", check_gobench_write},
};

const uint32_t CHECK_FORMATS_COUNT = sizeof CHECK_FORMATS / sizeof CHECK_FORMATS[0];

const struct check_format *check_format_find(const char *name)
{
    for (uint32_t i = 0; i < CHECK_FORMATS_COUNT; i++) {
        if (strcmp(CHECK_FORMATS[i].name, name) == 0)
            return &CHECK_FORMATS[i];
    }
    return NULL;
}
