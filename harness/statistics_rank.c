/* SPDX-License-Identifier: Apache-2.0
 *
 * Mann and Whitney's U: does one sample tend to be larger than another?
 *
 * All values are put in order and get ranks; equal values share the mean of theirs, which is counted in halves to stay
 * whole. If the samples were alike, every choice of as many ranks as the smaller sample has would be equally likely to
 * be its own. The sum of its ranks, counted from the end where the test wants it to be (from the largest value for
 * `current`, from the smallest for `baseline`), is small when `current` is larger. So
 *
 *     p = choices with a sum at most the one seen / all choices
 *
 * which holds for ties, too: they are in the ranks. Where there are too many choices to count them, the sum is about
 * normally distributed.
 */
#include <math.h>
#include <stdlib.h>

#include "harness/statistics.h"
#include "harness/statistics_parts.h"

/* Additions for the exact test. */
static const double EXACT_STEPS_MAX = 6e7;

struct ranked {
    double value; /* negated where the largest gets the first rank */
    bool is_chosen;
};

struct ranking {
    struct ranked *sorted;
    uint32_t *ranks; /* of each of `sorted`, from 1, doubled */
    size_t count, chosen_count;
    uint64_t sum, sum_min; /* of the chosen, as they are and if they all came first */
    double tie_term;       /* the sum of t^3 - t over groups of t equal values */
};

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    return (a->value > b->value) - (a->value < b->value);
}

static void fill_ranks(struct ranking *ranking)
{
    for (size_t start = 0, end; start < ranking->count; start = end) {
        size_t chosen = 0;
        for (end = start; end < ranking->count && ranking->sorted[end].value == ranking->sorted[start].value; end++)
            chosen += ranking->sorted[end].is_chosen;
        uint32_t rank = (uint32_t)(start + 1 + end);
        for (size_t i = start; i < end; i++)
            ranking->ranks[i] = rank;

        double equal = (double)(end - start);
        ranking->tie_term += (equal * equal - 1) * equal;
        ranking->sum += rank * (uint64_t)chosen;
        if (start < ranking->chosen_count)
            ranking->sum_min += rank * ((end < ranking->chosen_count ? end : ranking->chosen_count) - (uint64_t)start);
    }
}

static bool ranking_make(struct ranking *ranking, const double *baseline, size_t baseline_count, const double *current,
                         size_t current_count)
{
    size_t count = baseline_count + current_count;
    bool is_current_chosen = current_count <= baseline_count;
    *ranking = (struct ranking){
        .sorted = malloc(count * sizeof *ranking->sorted),
        .ranks = malloc(count * sizeof *ranking->ranks),
        .count = count,
        .chosen_count = is_current_chosen ? current_count : baseline_count,
    };
    if (ranking->sorted == NULL || ranking->ranks == NULL)
        return false;
    double sign = is_current_chosen ? -1 : 1;
    for (size_t i = 0; i < baseline_count; i++)
        ranking->sorted[i] = (struct ranked){sign * baseline[i], !is_current_chosen};
    for (size_t i = 0; i < current_count; i++)
        ranking->sorted[baseline_count + i] = (struct ranked){sign * current[i], is_current_chosen};
    qsort(ranking->sorted, count, sizeof *ranking->sorted, compare_ranked);
    fill_ranks(ranking);
    return true;
}

static void ranking_free(struct ranking *ranking)
{
    free(ranking->sorted);
    free(ranking->ranks);
}

/* The sum of the ranks in pairs (chosen, other) that are out of the order that the test wants. */
static double pairs_against(const struct ranking *ranking, uint64_t sum)
{
    uint64_t chosen = ranking->chosen_count;
    return (double)(sum - chosen * (chosen + 1)) / 2;
}

static double pairs_all(const struct ranking *ranking)
{
    return (double)ranking->chosen_count * (double)(ranking->count - ranking->chosen_count);
}

/* By the sizes, and not by the values: the same comparison is made in the same way every time. */
static bool is_countable(const struct ranking *ranking)
{
    double count = (double)ranking->count, chosen = (double)ranking->chosen_count;
    return count * chosen * (chosen * (2 * count - chosen + 1)) <= EXACT_STEPS_MAX;
}

static bool test_exactly(const struct ranking *ranking, struct statistics_rank_test *result)
{
    double *choices = statistics_count_choices(ranking->ranks, ranking->count, ranking->chosen_count, ranking->sum);
    if (choices == NULL)
        return false;
    double all = statistics_binomial(ranking->count, ranking->chosen_count), extreme = 0;
    for (uint64_t sum = ranking->sum_min; sum <= ranking->sum; sum++)
        extreme += choices[sum];
    result->p = fmin(extreme / all, 1);
    result->smallest_p = choices[ranking->sum_min] / all;
    result->is_exact = true;
    free(choices);
    return true;
}

static double normal_p(const struct ranking *ranking, uint64_t sum)
{
    double count = (double)ranking->count;
    double variance = pairs_all(ranking) / 12 * (count + 1 - ranking->tie_term / (count * (count - 1)));
    double more_than_mean = pairs_all(ranking) / 2 - pairs_against(ranking, sum);
    return statistics_normal_tail((more_than_mean - 0.5) / sqrt(variance));
}

enum statistics_outcome statistics_rank_test(const double *baseline, size_t baseline_count, const double *current,
                                             size_t current_count, struct statistics_rank_test *result)
{
    if (baseline_count == 0 || current_count == 0)
        return STATISTICS_TOO_FEW;
    if (baseline_count > STATISTICS_VALUES_MAX || current_count > STATISTICS_VALUES_MAX)
        return STATISTICS_TOO_MANY;
    struct ranking ranking;
    bool is_done = ranking_make(&ranking, baseline, baseline_count, current, current_count);
    if (is_done) {
        struct statistics_rank_test test = {.u = pairs_all(&ranking) - pairs_against(&ranking, ranking.sum)};
        if (ranking.ranks[0] == ranking.ranks[ranking.count - 1]) {
            test.p = test.smallest_p = 1;
            test.is_exact = true;
        } else if (is_countable(&ranking)) {
            is_done = test_exactly(&ranking, &test);
        } else {
            test.p = normal_p(&ranking, ranking.sum);
            test.smallest_p = normal_p(&ranking, ranking.sum_min);
        }
        if (is_done)
            *result = test;
    }
    ranking_free(&ranking);
    return is_done ? STATISTICS_OK : STATISTICS_NO_MEMORY;
}
