/* SPDX-License-Identifier: Apache-2.0
 *
 * Go's benchmark format (golang.org/design/14313-benchmark-format), for `benchstat -col side`: raw values, a line each.
 *
 *   goos: linux
 *   goarch: amd64
 *   pkg: shop
 *   Unit bytes better=lower
 *   side: baseline
 *   BenchmarkMemory/metric=rss.total 1 62922752 bytes
 *   side: current
 *   BenchmarkMemory/metric=rss.total 1 73400320 bytes
 *
 * A metric that several rules apply to has several rows with the same values: it is written once for each side.
 */
#include <inttypes.h>
#include <string.h>

#include "harness/check_escape.h"
#include "harness/check_format.h"
#include "harness/goarch.h"

/* A name ends at the first blank. */
static const struct check_escape NAME_ESCAPES[] = {{' ', "_"}, {0}};
static const struct check_escape NO_ESCAPES[] = {{0}};

static const char *const UNITS[] = {[METRIC_BYTES] = "bytes", [METRIC_COUNT] = "count"};

static const struct check_side *side_of(const struct check_row *row, bool is_current)
{
    return is_current ? &row->current : &row->baseline;
}

static bool is_repeated(const struct check_result *result, uint64_t index, bool is_current)
{
    for (uint64_t i = 0; i < index; i++) {
        if (side_of(&result->rows[i], is_current)->count > 0 &&
            strcmp(result->rows[i].metric, result->rows[index].metric) == 0)
            return true;
    }
    return false;
}

static void write_side(FILE *out, const struct check_result *result, bool is_current)
{
    fprintf(out, "side: %s\n", is_current ? "current" : "baseline");
    for (uint64_t i = 0; i < result->rows_count; i++) {
        const struct check_row *row = &result->rows[i];
        const struct check_side *side = side_of(row, is_current);
        if (is_repeated(result, i, is_current))
            continue;
        for (uint64_t value = 0; value < side->count; value++) {
            fputs("BenchmarkMemory/metric=", out);
            check_write_escaped(out, row->metric, NAME_ESCAPES);
            fprintf(out, " 1 %" PRIu64 " %s\n", side->values[value], UNITS[row->unit]);
        }
    }
}

static void write_key(FILE *out, const char *key, const char *value)
{
    if (value == NULL)
        return;
    fprintf(out, "%s: ", key);
    check_write_escaped(out, value, NO_ESCAPES);
    fputc('\n', out);
}

bool check_gobench_write(FILE *out, const struct check_result *result, const struct check_view *view,
                         struct error *error)
{
    (void)view;
    (void)error;
    fputs("goos: linux\n", out);
    write_key(out, "goarch", result->machine == NULL ? NULL : goarch_of(result->machine));
    write_key(out, "pkg", result->program);
    fputs("Unit bytes better=lower\n"
          "Unit count better=lower\n",
          out);
    write_side(out, result, false);
    write_side(out, result, true);
    return true;
}
