/* SPDX-License-Identifier: Apache-2.0
 *
 * The k-th smallest of the n(n-1)/2 slopes between all pairs of a series, without making them all.
 *
 * Tilt the series: take t from every step. Then a pair falls, or stays level, just if its slope is at most t; and a
 * merge sort counts such pairs in n log n steps. So the k-th slope is closed in on, from slopes counted below and above
 * it, until few enough lie between to make and sort them.
 *
 *     slopes:     |  not more than low  |  k-th is here: at most WINDOW_SLOPES_MAX  |  more than high  |
 *
 * Counts have to be right, not nearly so, or the k-th slope is another one. So all of it is whole numbers: values
 * become multiples of 2^-60 of the largest (whatever bytes there are, this is exact), and t one of 2^-TILT_BITS of that
 * unit. Two slopes that differ do so by at least 1/n^2; so where no t lies between low and high, all slopes there are
 * one.
 *
 * Lines drawn through points, and points through which lines cross, are the same here: the order of the tilted values
 * at `low`, seen from `high`, has exactly the pairs with a slope between them turned round.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/statistics.h"
#include "harness/statistics_parts.h"

typedef __int128 wide;

enum {
    VALUE_BITS = 60,
    INDEX_BITS = 20,
    TILT_BITS = 2 * INDEX_BITS + 1,
    WINDOW_SLOPES_MAX = 1 << 16,
    PIVOT_PAIRS = 1 << 10,
    PIVOTS = 2 * PIVOT_PAIRS,
};

_Static_assert(STATISTICS_VALUES_MAX <= 1 << INDEX_BITS, "an index has its bits");
_Static_assert(VALUE_BITS + 1 + TILT_BITS + INDEX_BITS + 1 < 127, "a tilted value fits");

struct point {
    wide height;
    uint32_t index;
};

/* Those between `low` (not in it) and `high`, in order; places are among all slopes. */
struct window {
    wide low, high;
    uint64_t start, end;
    double slopes[WINDOW_SLOPES_MAX];
    size_t slopes_count;
};

struct search {
    const double *series;
    int64_t *values; /* the series as whole numbers */
    size_t count;
    wide pivots[PIVOTS]; /* slopes of some pairs, sorted: good places to cut */
    struct point *points, *scratch;
    struct window window;
};

static uint64_t pairs_of(size_t count)
{
    return (uint64_t)count * (count - 1) / 2;
}

static double saturate(double value)
{
    return fmax(fmin(value, DBL_MAX), -DBL_MAX);
}

/* `later` comes after all that are left of the left half. */
static void report(struct search *search, const struct point *left, const struct point *left_end, uint32_t later)
{
    struct window *window = &search->window;
    for (; left < left_end && window->slopes_count < WINDOW_SLOPES_MAX; left++) {
        double rise = saturate(search->series[later] - search->series[left->index]);
        window->slopes[window->slopes_count++] = rise / ((double)later - (double)left->index);
    }
}

/* Merges the two sorted halves at `from` into `to`; counts the pairs whose point on the right is not higher. */
static uint64_t merge(struct search *reporter, const struct point *from, size_t half, size_t count, struct point *to)
{
    const struct point *left = from, *left_end = from + half, *right = left_end, *right_end = from + count;
    uint64_t pairs = 0;
    while (left < left_end && right < right_end) {
        if (right->height <= left->height) {
            pairs += (uint64_t)(left_end - left);
            if (reporter != NULL)
                report(reporter, left, left_end, right->index);
            *to++ = *right++;
        } else {
            *to++ = *left++;
        }
    }
    memcpy(to, left, (size_t)(left_end - left) * sizeof *to);
    memcpy(to + (left_end - left), right, (size_t)(right_end - right) * sizeof *to);
    return pairs;
}

/* The number of pairs whose second point is not higher than the first. Sorts the points; which of the two arrays they
 * end in is of no interest. The slopes of such pairs go to the window of `reporter`, if there is one. */
static uint64_t count_not_rising(struct search *reporter, struct point *points, struct point *scratch, size_t count)
{
    uint64_t pairs = 0;
    for (size_t half = 1; half < count; half *= 2) {
        for (size_t start = 0; start < count; start += 2 * half) {
            size_t rest = count - start;
            size_t length = rest < 2 * half ? rest : 2 * half;
            pairs += merge(reporter, points + start, half < length ? half : length, length, scratch + start);
        }
        struct point *sorted = scratch;
        scratch = points;
        points = sorted;
    }
    return pairs;
}

/* Doubles in order, as whole numbers; both zeros are 0. */
static int64_t order_of(double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? INT64_MIN - bits : bits;
}

bool statistics_count_not_rising(const double *series, size_t count, uint64_t *pairs)
{
    struct point *points = malloc(2 * count * sizeof *points);
    if (points == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        points[i] = (struct point){order_of(series[i]), (uint32_t)i};
    *pairs = count_not_rising(NULL, points, points + count, count);
    free(points);
    return true;
}

static void tilt(struct search *search, wide slope)
{
    for (size_t i = 0; i < search->count; i++)
        search->points[i] = (struct point){search->values[i] * ((wide)1 << TILT_BITS) - slope * (wide)i, (uint32_t)i};
}

static uint64_t count_slopes_up_to(struct search *search, wide slope)
{
    tilt(search, slope);
    return count_not_rising(NULL, search->points, search->scratch, search->count);
}

/* The least tilt that is not below the slope of a pair: this slope is the only one above the tilt before it. */
static wide tilt_of_pair(const struct search *search, size_t earlier, size_t later)
{
    wide rise = ((wide)search->values[later] - search->values[earlier]) * ((wide)1 << TILT_BITS);
    wide run = (wide)(later - earlier);
    return rise / run + (rise % run > 0);
}

static int compare_wide(const void *left, const void *right)
{
    wide a = *(const wide *)left, b = *(const wide *)right;
    return (a > b) - (a < b);
}

static void make_values(struct search *search)
{
    double largest = 0;
    for (size_t i = 0; i < search->count; i++)
        largest = fmax(largest, fabs(search->series[i]));
    int exponent;
    frexp(largest, &exponent);
    for (size_t i = 0; i < search->count; i++)
        search->values[i] = llrint(scalbn(search->series[i], VALUE_BITS - exponent));
}

/* Pairs by a fixed row of pseudo-random numbers. They only have to be near: a bad choice costs time. Both sides of each
 * are there to cut at, so that a slope that many pairs have is found at once. */
static void make_pivots(struct search *search)
{
    uint64_t state = 1;
    for (size_t i = 0; i < PIVOT_PAIRS; i++) {
        size_t pair[2];
        for (size_t side = 0; side < 2; side++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            pair[side] = (size_t)((state >> 32) * (search->count - side) >> 32);
        }
        if (pair[1] >= pair[0])
            pair[1]++;
        wide pivot =
            pair[0] < pair[1] ? tilt_of_pair(search, pair[0], pair[1]) : tilt_of_pair(search, pair[1], pair[0]);
        search->pivots[2 * i] = pivot - 1;
        search->pivots[2 * i + 1] = pivot;
    }
    qsort(search->pivots, PIVOTS, sizeof search->pivots[0], compare_wide);
}

/* The number of pivots that are at most `slope`. */
static size_t pivots_up_to(const struct search *search, wide slope)
{
    size_t low = 0, high = PIVOTS;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (search->pivots[middle] <= slope)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Between low and high, which are more than 1 apart. */
static wide choose_cut(const struct search *search, wide low, wide high)
{
    size_t first = pivots_up_to(search, low), end = pivots_up_to(search, high - 1);
    return first < end ? search->pivots[first + (end - first) / 2] : low + (high - low) / 2;
}

/* All slopes: each is a mean of slopes between neighbours. */
static void open_window(struct search *search)
{
    wide least = tilt_of_pair(search, 0, 1), largest = least;
    for (size_t i = 1; i + 1 < search->count; i++) {
        wide slope = tilt_of_pair(search, i, i + 1);
        least = slope < least ? slope : least;
        largest = slope > largest ? slope : largest;
    }
    search->window.low = least - 1;
    search->window.high = largest;
    search->window.start = 0;
    search->window.end = pairs_of(search->count);
}

static void narrow_window(struct search *search, uint64_t order)
{
    struct window *window = &search->window;
    while (window->end - window->start > WINDOW_SLOPES_MAX && window->high - window->low > 1) {
        wide cut = choose_cut(search, window->low, window->high);
        uint64_t up_to_cut = count_slopes_up_to(search, cut);
        if (order < up_to_cut) {
            window->high = cut;
            window->end = up_to_cut;
        } else {
            window->low = cut;
            window->start = up_to_cut;
        }
    }
}

/* Level pairs are turned round, so that those of slope `low` are not found again. */
static int compare_points(const void *left, const void *right)
{
    const struct point *a = left, *b = right;
    if (a->height != b->height)
        return a->height > b->height ? 1 : -1;
    return (a->index < b->index) - (a->index > b->index);
}

static void fill_window(struct search *search)
{
    struct window *window = &search->window;
    tilt(search, window->low);
    qsort(search->points, search->count, sizeof *search->points, compare_points);
    for (size_t i = 0; i < search->count; i++)
        search->points[i].height -= (window->high - window->low) * (wide)search->points[i].index;
    window->slopes_count = 0;
    count_not_rising(search, search->points, search->scratch, search->count);
    qsort(window->slopes, window->slopes_count, sizeof window->slopes[0], statistics_compare_doubles);
}

static double find_slope(struct search *search, uint64_t order)
{
    struct window *window = &search->window;
    if (window->slopes_count == 0 || order < window->start || order >= window->end) {
        open_window(search);
        narrow_window(search, order);
        fill_window(search);
    }
    /* More than there is room for: they are all one. */
    uint64_t place = order - window->start;
    return window->slopes[place < window->slopes_count ? place : 0];
}

bool statistics_select_slopes(const double *series, size_t count, const uint64_t *orders, size_t orders_count,
                              double *slopes)
{
    struct search *search = malloc(sizeof *search);
    int64_t *values = malloc(count * sizeof *values);
    struct point *points = malloc(2 * count * sizeof *points);
    bool has_memory = search != NULL && values != NULL && points != NULL;
    if (has_memory) {
        search->series = series;
        search->count = count;
        search->values = values;
        search->points = points;
        search->scratch = points + count;
        search->window.slopes_count = 0;
        make_values(search);
        if (pairs_of(count) > WINDOW_SLOPES_MAX)
            make_pivots(search);
        for (size_t i = 0; i < orders_count; i++)
            slopes[i] = find_slope(search, orders[i]);
    }
    free(points);
    free(values);
    free(search);
    return has_memory;
}
