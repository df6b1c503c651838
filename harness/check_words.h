/* SPDX-License-Identifier: Apache-2.0
 *
 * The words that the formats for people share: values with their units, changes, p values, and one sentence over all.
 *
 * There is no ratio to nothing: what a baseline of 0 has grown by is "new". What does not fit a text is cut, perhaps
 * within a character: check_escape.h and table.h are fine with that.
 */
#ifndef GPW_HARNESS_CHECK_WORDS_H
#define GPW_HARNESS_CHECK_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/check_result.h"

struct check_words {
    char text[128];
};

struct check_sentence {
    char text[1024];
};

/* "61.2 MiB", "12.5" (the median of an even number of counts), "0"; a fraction of a byte is "0.33 B". */
struct check_words check_value(double value, enum metric_unit unit);
/* The median of a side, "-" when it has no values. */
struct check_words check_median(const struct check_side *side, enum metric_unit unit);
/* With its interval, where it has one that is more than a point: "61.2 MiB [60.9, 61.4]", "1.01 GiB [990 MiB, 1.02
 * GiB]". */
struct check_words check_median_interval(const struct check_side *side, enum metric_unit unit);
/* The same as a share, as benchstat has it: "0.5 %" of the median to the farther end; "" where that
 * is nothing. */
struct check_words check_spread(const struct check_side *side);
bool check_has_interval(const struct check_side *side);

/* "+8.00 MiB", "-3", "0"; of a slope "+64 KiB/dump"; "-" when the row has no change. */
struct check_words check_change(const struct check_row *row);
/* In percent: "+12.3", "+5810" (from ten times on without tenths), "+<0.1", "0", "new"; "-" when nothing can be said.
 */
struct check_words check_change_percent(const struct check_row *row);
/* "+8.00 MiB (+12.3 %)", "+8.00 MiB (new)", "+64 KiB/dump", "-" */
struct check_words check_change_both(const struct check_row *row);
/* The same of what grew. */
/* What stands above the two sizes: without a baseline they are of the first and the last sample. */
const char *check_growth_from(const struct check_result *result);
const char *check_growth_to(const struct check_result *result);
struct check_words check_growth_change(const struct check_growth *growth);
struct check_words check_growth_percent(const struct check_growth *growth);
struct check_words check_growth_both(const struct check_growth *growth);

/* "0.012", "<0.001"; "-" when there is none. */
struct check_words check_p(const struct check_row *row);

/* "regression: 2 of 14 metrics, 1 inconclusive; rss.total +8.00 MiB (+12.3 %); grew most: go.unused +7.50 MiB (new)" */
struct check_sentence check_headline(const struct check_result *result);
/* "etcd, go1.26.10, x86_64; 6 baseline samples, 6 current": without what is not known. */
struct check_sentence check_subject(const struct check_result *result);
/* "baseline 61.2 MiB [60.9, 61.4], current 69.2 MiB [68.8, 69.9], change +8.00 MiB (+13.1 %), p 0.012, allowed none" */
struct check_sentence check_facts(const struct check_row *row);
/* "go.unused +8.21 MiB (+67.9 %), ...; slots of 4096 bytes +7.50 MiB (new)": the first few; "" when nothing grew. */
struct check_sentence check_grew_most(const struct check_result *result);

/* Text for people does not show every row: the first 100 that did not pass and the first 20 that did. */
bool check_is_shown(const struct check_result *result, uint64_t row);
/* "3 more regressions, 1 more inconclusive, 63 more passed"; "" when all are shown. */
struct check_sentence check_not_shown(const struct check_result *result);
/* From `row` on: how many shown rows in sequence have the same verdict by the same rule for the same reason; 1 at
 * least. Text names the first few of them. */
enum { CHECK_NAMES_MAX = 4 };
uint64_t check_same_reason(const struct check_result *result, uint64_t row);

#endif
