/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields are taken by their words, in either form.
 */
#include "tests/e2e/support/scavtrace.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/support/fail.h"

enum { KIB = 1024, LINE_BYTES = 256 };

static void add_line(struct scavtrace *sums, const char *line)
{
    uint64_t background = 0, eager = 0, now;
    bool is_forced = strstr(line, "(forced)") != NULL;
    int fields =
        sscanf(line, "scav %" SCNu64 " KiB work (bg), %" SCNu64 " KiB work (eager), %" SCNu64 " KiB now, %*u%% util",
               &background, &eager, &now);
    if (fields != 3) {
        eager = 0;
        fields = sscanf(line, "scav %" SCNu64 " KiB work, %" SCNu64 " KiB total, %*u%% util", &background, &now);
        if (fields != 2)
            fail("no line of scavtrace that is known: %s", line);
    }
    sums->lines++;
    if (is_forced) {
        sums->forced_lines++;
        sums->forced_bytes += (background + eager) * KIB;
    } else {
        sums->background_bytes += background * KIB;
        sums->eager_bytes += eager * KIB;
    }
    sums->released_bytes += (background + eager) * KIB;
}

struct scavtrace scavtrace_sum(const char *text)
{
    struct scavtrace sums = {0};
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (strncmp(text, "scav ", 5) == 0) {
            char line[LINE_BYTES];
            snprintf(line, sizeof line, "%.*s", (int)length, text);
            add_line(&sums, line);
        }
        text += length + (text[length] == '\n');
    }
    return sums;
}
