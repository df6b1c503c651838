/* SPDX-License-Identifier: Apache-2.0
 *
 * Measuring and judging a row. Each kind of rule has a function for either.
 */
#include "harness/check_row.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/human.h"
#include "harness/statistics.h"

#define NS_PER_SECOND 1000000000ull

static bool refuse_memory(struct error *error)
{
    return error_set(error, "there are more samples than fit into memory; give fewer");
}

/* ---- the current samples as a series ---- */

/* Two clocks that are read one after the other, and one of them is set by NTP. */
static bool is_near(uint64_t a_ns, uint64_t b_ns)
{
    enum { DRIFT_PART = 1000 };
    uint64_t apart_ns = a_ns > b_ns ? a_ns - b_ns : b_ns - a_ns;
    return apart_ns <= NS_PER_SECOND / 10 + b_ns / DRIFT_PART;
}

/* Whether two samples in a row, the first one older, are of one process: a process id comes again, in containers it is
 * always the same. */
static bool is_same_process(const struct sample_origin *older, const struct sample_origin *newer)
{
    bool is_same_host =
        older->host == NULL || newer->host == NULL ? older->host == newer->host : strcmp(older->host, newer->host) == 0;
    if (!is_same_host || older->pid != newer->pid)
        return false;
    if (older->since_start_ns == DUMP_NOT_KNOWN || newer->since_start_ns == DUMP_NOT_KNOWN)
        return true;
    return newer->seq > older->seq && newer->since_start_ns > older->since_start_ns &&
           is_near(newer->since_start_ns - older->since_start_ns, newer->unix_ns - older->unix_ns);
}

static int by_age(const void *left, const void *right, void *context)
{
    const struct sample_origin *origins = context;
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    if (origins[a].unix_ns != origins[b].unix_ns)
        return origins[a].unix_ns < origins[b].unix_ns ? -1 : 1;
    return (a > b) - (a < b);
}

bool check_row_order_series(struct row_context *context, struct error *error)
{
    const struct samples_of_side *current = &context->samples->sides[SAMPLES_CURRENT];
    uint64_t *order = bump_take(context->bump, current->count * sizeof *order);
    if (order == NULL)
        return refuse_memory(error);
    for (uint64_t i = 0; i < current->count; i++)
        order[i] = i;
    qsort_r(order, current->count, sizeof *order, by_age, current->origins);
    context->series_order = order;
    context->is_one_process = true;
    for (uint64_t i = 1; i < current->count; i++)
        context->is_one_process &= is_same_process(&current->origins[order[i - 1]], &current->origins[order[i]]);
    return true;
}

/* ---- measuring ---- */

/* A side's values that are known, as they are and as doubles (for free). */
static bool take_values(struct check_side *side, double **doubles, const uint64_t *values, uint64_t count,
                        const uint64_t *order, struct bump *bump)
{
    uint64_t *known = bump_take(bump, count * sizeof *known);
    *doubles = malloc((count + 1) * sizeof **doubles);
    if (known == NULL || *doubles == NULL)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = values[order == NULL ? i : order[i]];
        if (value == DUMP_NOT_KNOWN)
            continue;
        known[side->count] = value;
        (*doubles)[side->count++] = (double)value;
    }
    side->values = known;
    return true;
}

static bool measure_side(struct check_side *side, const double *values, double alpha)
{
    struct statistics_median median;
    enum statistics_outcome outcome = statistics_median(values, side->count, 1 - alpha, &median);
    if (outcome != STATISTICS_OK)
        return outcome == STATISTICS_TOO_FEW;
    side->median = median.median;
    side->low = median.low;
    side->high = median.high;
    side->coverage = median.coverage;
    return true;
}

static bool measure_growth(struct check_row *row, struct row_test *test, const double *baseline, const double *current)
{
    struct statistics_rank_test result;
    if (row->baseline.count == 0 || row->current.count == 0)
        return true;
    row->has_change = true;
    row->change = row->current.median - row->baseline.median;
    if (row->kind != CHECK_GROWTH)
        return true;
    if (statistics_rank_test(baseline, row->baseline.count, current, row->current.count, &result) != STATISTICS_OK)
        return false;
    *test = (struct row_test){test->rule, true, result.p, result.smallest_p};
    row->has_p = true;
    row->p = result.p;
    return true;
}

static bool measure_slope(struct check_row *row, struct row_test *test, const double *current, double alpha)
{
    struct statistics_slope result;
    enum statistics_outcome outcome = statistics_slope(current, row->current.count, 1 - alpha, &result);
    if (outcome != STATISTICS_OK)
        return outcome == STATISTICS_TOO_FEW;
    *test = (struct row_test){test->rule, true, result.p, result.smallest_p};
    row->has_change = row->has_p = true;
    row->change = result.slope;
    row->p = result.p;
    return true;
}

struct amount {
    char text[48];
};

static struct amount amount_of(uint64_t amount, enum metric_unit unit)
{
    struct amount words;
    if (unit == METRIC_BYTES)
        snprintf(words.text, sizeof words.text, "%s", human_bytes(amount).text);
    else
        snprintf(words.text, sizeof words.text, "%" PRIu64, amount);
    return words;
}

static const char *bound_words(const struct check_rule *rule, enum metric_unit unit, struct bump *bump)
{
    enum { PERCENT = 100 };
    char words[128];
    struct amount amount = amount_of(rule->amount, unit);
    switch (rule->kind) {
    case CHECK_LIMIT:
        snprintf(words, sizeof words, "%s", amount.text);
        break;
    case CHECK_GROWTH:
        if (rule->fraction > 0 && rule->amount > 0)
            snprintf(words, sizeof words, "+%g %% and +%s", rule->fraction * PERCENT, amount.text);
        else if (rule->fraction > 0)
            snprintf(words, sizeof words, "+%g %%", rule->fraction * PERCENT);
        else
            snprintf(words, sizeof words, "+%s", amount.text);
        break;
    case CHECK_SLOPE:
        snprintf(words, sizeof words, "+%s/dump", amount.text);
        break;
    default:
        snprintf(words, sizeof words, "none");
    }
    return bump_string(bump, words, strlen(words));
}

bool check_row_measure(struct check_row *row, struct row_test *test, const struct row_context *context,
                       const struct check_rule *rule, const struct samples_metric *metric, struct error *error)
{
    const struct samples_of_side *sides = context->samples->sides;
    bool is_compared = rule->kind == CHECK_GROWTH || rule->kind == CHECK_EXACT;
    double *baseline = NULL, *current = NULL;
    *row = (struct check_row){.kind = rule->kind, .metric = metric->name, .unit = metric->unit};
    *test = (struct row_test){.rule = rule};
    row->bound = bound_words(rule, metric->unit, context->bump);
    bool is_measured =
        take_values(&row->baseline, &baseline, metric->values[SAMPLES_BASELINE],
                    is_compared ? sides[SAMPLES_BASELINE].count : 0, NULL, context->bump) &&
        take_values(&row->current, &current, metric->values[SAMPLES_CURRENT], sides[SAMPLES_CURRENT].count,
                    rule->kind == CHECK_SLOPE ? context->series_order : NULL, context->bump) &&
        measure_side(&row->baseline, baseline, context->settings->alpha) &&
        measure_side(&row->current, current, context->settings->alpha);
    if (is_measured && rule->kind == CHECK_SLOPE)
        is_measured = measure_slope(row, test, current, context->settings->alpha);
    else if (is_measured)
        is_measured = measure_growth(row, test, baseline, current);
    free(baseline);
    free(current);
    return is_measured || refuse_memory(error);
}

/* ---- judging ---- */

__attribute__((format(printf, 4, 5))) static void decide(struct check_row *row, struct bump *bump,
                                                         enum check_verdict verdict, const char *format, ...)
{
    char why[ERROR_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    row->verdict = verdict;
    row->why = bump_string(bump, why, strlen(why));
}

static uint64_t highest_of(const struct check_side *side)
{
    uint64_t highest = 0;
    for (uint64_t i = 0; i < side->count; i++)
        highest = side->values[i] > highest ? side->values[i] : highest;
    return highest;
}

static uint64_t count_above(const struct check_side *side, uint64_t bound)
{
    uint64_t above = 0;
    for (uint64_t i = 0; i < side->count; i++)
        above += side->values[i] > bound;
    return above;
}

/* What holds for every sample is not known when some do not tell. */
static bool knows_all(struct check_row *row, const struct row_context *context)
{
    uint64_t count = context->samples->sides[SAMPLES_CURRENT].count;
    if (row->current.count == count)
        return true;
    decide(row, context->bump, CHECK_INCONCLUSIVE,
           "%" PRIu64 " of %" PRIu64 " samples do not know it: the Go heap was not walked, or the kernel did not tell",
           count - row->current.count, count);
    return false;
}

static void judge_limit(struct check_row *row, const struct check_rule *rule, const struct row_context *context)
{
    struct bump *bump = context->bump;
    uint64_t highest = highest_of(&row->current);
    struct amount words = amount_of(highest, row->unit);
    if (highest > rule->amount)
        decide(row, bump, CHECK_REGRESSION, "%" PRIu64 " of %" PRIu64 " samples are above the limit, the highest is %s",
               count_above(&row->current, rule->amount), row->current.count, words.text);
    else if (knows_all(row, context))
        decide(row, bump, CHECK_PASS, "the highest sample is %s", words.text);
}

static void judge_exact(struct check_row *row, const struct row_context *context)
{
    struct bump *bump = context->bump;
    uint64_t before = highest_of(&row->baseline), now = highest_of(&row->current);
    struct amount words[] = {amount_of(before, row->unit), amount_of(now, row->unit)};
    if (now > before)
        decide(row, bump, CHECK_REGRESSION, "the highest sample was %s and is %s; no growth at all is allowed",
               words[0].text, words[1].text);
    else if (knows_all(row, context))
        decide(row, bump, CHECK_PASS, "no sample is above the highest of the baseline, %s", words[0].text);
}

/* What is beyond its bound, and whether chance may have done it. Where it stands out and so few samples could not have
 * proved even that with all that is tested beside it, nothing was shown: neither growth nor rest. */
static void judge_by_test(struct check_row *row, const struct row_test *test, const struct row_context *context,
                          const char *what)
{
    double alpha = context->settings->alpha;
    uint64_t tests = context->tests_count > 0 ? context->tests_count : 1;
    bool stands_out = test->p <= alpha || test->p <= test->smallest_p;
    if (row->p <= alpha)
        decide(row, context->bump, CHECK_REGRESSION, "%s, and chance alone would hardly do that", what);
    else if (stands_out && test->smallest_p * (double)tests > alpha)
        decide(row, context->bump, CHECK_INCONCLUSIVE,
               "%s, and so few samples cannot prove it with %" PRIu64 " metric%s tested; take more samples%s", what,
               tests, tests == 1 ? "" : "s", tests == 1 ? "" : " or name fewer metrics");
    else
        decide(row, context->bump, CHECK_PASS, "%s, but chance alone may do that", what);
}

static void judge_growth(struct check_row *row, const struct row_test *test, const struct row_context *context)
{
    const struct check_rule *rule = test->rule;
    bool is_beyond =
        row->change > rule->fraction * row->baseline.median && row->change > (double)rule->amount && row->change > 0;
    if (row->change <= 0)
        decide(row, context->bump, CHECK_PASS, "it did not grow");
    else if (!is_beyond)
        decide(row, context->bump, CHECK_PASS, "it grew by less than is allowed");
    else
        judge_by_test(row, test, context, "it grew by more than is allowed");
}

static void judge_slope(struct check_row *row, const struct row_test *test, const struct row_context *context)
{
    if (row->change <= 0)
        decide(row, context->bump, CHECK_PASS, "it does not rise");
    else if (row->change <= (double)test->rule->amount)
        decide(row, context->bump, CHECK_PASS, "it rises by less than is allowed");
    else
        judge_by_test(row, test, context, "it rises by more than is allowed");
}

/* What a verdict cannot be built on. NULL: nothing. */
static const char *find_obstacle(const struct check_row *row, const struct row_context *context, char *words,
                                 size_t words_bytes)
{
    uint32_t least = row->kind == CHECK_GROWTH || row->kind == CHECK_SLOPE ? context->settings->min_samples : 1;
    bool is_compared = row->kind == CHECK_GROWTH || row->kind == CHECK_EXACT;
    if (row->current.count == 0)
        return "no current sample knows it: the Go heap was not walked, or the kernel did not tell";
    if (is_compared && context->samples->sides[SAMPLES_BASELINE].count == 0)
        return "the baseline has no samples";
    if (is_compared && row->baseline.count == 0)
        return "the baseline does not know it; make the baseline anew";
    if (is_compared && !context->is_comparable)
        return "the baseline was taken in another environment";
    if (row->kind == CHECK_SLOPE && !context->is_one_process)
        return "the dumps are of several processes, and a slope is that of one; name the dumps of one process";
    if (row->current.count >= least && (!is_compared || row->baseline.count >= least))
        return NULL;
    if (is_compared)
        snprintf(words, words_bytes,
                 "there are %" PRIu64 " samples in the baseline and %" PRIu64 " now; take at least %u",
                 row->baseline.count, row->current.count, least);
    else
        snprintf(words, words_bytes, "there are %" PRIu64 " samples; take at least %u", row->current.count, least);
    return words;
}

void check_row_judge(struct check_row *row, const struct row_test *test, const struct row_context *context)
{
    char words[128];
    const char *obstacle = find_obstacle(row, context, words, sizeof words);
    if (obstacle != NULL) {
        decide(row, context->bump, CHECK_INCONCLUSIVE, "%s", obstacle);
        return;
    }
    switch (row->kind) {
    case CHECK_LIMIT:
        judge_limit(row, test->rule, context);
        break;
    case CHECK_GROWTH:
        judge_growth(row, test, context);
        break;
    case CHECK_SLOPE:
        judge_slope(row, test, context);
        break;
    default:
        judge_exact(row, context);
    }
}
