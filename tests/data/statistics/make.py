#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes expected.json beside it: data, and what scipy says of them, for tests/unit/harness/statistics_recorded.c.

    apt-get install python3-scipy python3-statsmodels && tests/data/statistics/make.py

Made with the versions that are in the file ("made_with"; Debian 12's). Where scipy 1.10 has no exact method, the values
come from its own definition, counted in whole numbers here, in another way than the command does it:
  - Mann-Whitney with ties: all choices (itertools), checked against scipy.stats.permutation_test; for larger samples the
    coefficients of prod (1 + x y^rank);
  - Kendall with ties: all orders for up to 8 values; for more the coefficients of the q-multinomial;
  - the interval of a median: scipy.stats.binom, as scipy.stats.quantile_test (of scipy 1.11) does it;
  - Kendall's normal approximation: kendalltau's variance, with a continuity correction (it has none).

benchstat.json holds what benchstat says of the same data (by "name"). benchstat is not in Debian: its values were got
by calling, for each of these cases, what it computes with, AssumeNothing.Compare(baseline, current) and
AssumeNothing.Summary(values, confidence) of golang.org/x/perf/benchmath at commit 712aea8b4705, over
github.com/aclements/go-moremath at c8bbc672ef66, and writing its results in full. Its p is two-sided,
2 P(U of baseline <= u) when current is the larger one; half of it is the p here. Only such cases are in the file, and
only those that both compute in one way (exactly up to 50 values a side, 25 with ties; normally from 57 on).
Its intervals may leave out the value on one side: then it is one place narrower, and its confidence lower, than ours.
"""
import itertools
import json
import math
import os
import random
import warnings
from collections import Counter
from fractions import Fraction

import numpy
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests

RANDOM = random.Random(20261123)
PAGE = 4096
EXACT_SERIES_MAX = 33


def sample(count, mean, spread, grain=1):
    return [max(0, round(RANDOM.gauss(mean, spread) / grain)) * grain for _ in range(count)]


# ---- Mann-Whitney ----
def statistic(baseline, current):
    return sum((c > b) + 0.5 * (c == b) for c in current for b in baseline)


def doubled_ranks(values):
    return [int(2 * rank) for rank in stats.rankdata(values)]


def exact_by_choices(baseline, current):
    ranks = doubled_ranks(current + baseline)
    seen = sum(ranks[: len(current)])
    choices = [sum(choice) for choice in itertools.combinations(ranks, len(current))]
    return Fraction(sum(s >= seen for s in choices), len(choices)), Fraction(choices.count(max(choices)), len(choices))


def exact_by_polynomial(baseline, current):
    ranks = doubled_ranks(current + baseline)
    seen = sum(ranks[: len(current)])
    ways = [Counter() for _ in range(len(current) + 1)]
    ways[0][0] = 1
    for rank in ranks:
        for taken in range(len(current), 0, -1):
            for total, number in ways[taken - 1].items():
                ways[taken][total + rank] += number
    last = ways[len(current)]
    every = math.comb(len(ranks), len(current))
    assert sum(last.values()) == every
    return Fraction(sum(n for s, n in last.items() if s >= seen), every), Fraction(last[max(last)], every)


def check_by_permutation_test(baseline, current, p):
    result = stats.permutation_test((current, baseline), lambda c, b: statistic(b, c), vectorized=False,
                                    n_resamples=numpy.inf, alternative="greater")
    assert math.isclose(result.pvalue, p, rel_tol=1e-12), (result.pvalue, p)


def normal(baseline, current):
    return stats.mannwhitneyu(current, baseline, alternative="greater", method="asymptotic", use_continuity=True).pvalue


def rank_case(name, baseline, current):
    values = baseline + current
    has_ties = len(set(values)) < len(values)
    if max(len(baseline), len(current)) > 56:
        ordered = sorted(values)
        by, p = "mannwhitneyu, asymptotic", normal(baseline, current)
        smallest_p = normal(ordered[: len(baseline)], ordered[len(baseline):])
    elif has_ties and math.comb(len(values), len(current)) <= 20000:
        by = "all choices"
        p, smallest_p = map(float, exact_by_choices(baseline, current))
        assert (p, smallest_p) == tuple(map(float, exact_by_polynomial(baseline, current)))
        check_by_permutation_test(baseline, current, p)
    elif has_ties:
        by = "polynomial"
        p, smallest_p = map(float, exact_by_polynomial(baseline, current))
    else:
        by = "mannwhitneyu, exact"
        p = stats.mannwhitneyu(current, baseline, alternative="greater", method="exact").pvalue
        smallest_p = 1 / math.comb(len(values), len(current))
    return {"name": name, "by": by, "is_exact": "asymptotic" not in by, "baseline": baseline, "current": current,
            "u": statistic(baseline, current), "p": float(p), "smallest_p": float(smallest_p)}


def rank_cases():
    yield rank_case("3+3, all larger", [11, 12, 13], [21, 22, 23])
    yield rank_case("4+4, all smaller", [21, 22, 23, 24], [11, 12, 13, 14])
    yield rank_case("1+6", [628], [1265, 620, 640, 700, 1200, 900])
    for sizes in (6, 6), (5, 9), (9, 5), (10, 10), (25, 25), (50, 50), (8, 40):
        for shift in 0, 1:
            yield rank_case("%d+%d, no ties, shift %d" % (*sizes, shift),
                            sample(sizes[0], 6.28e8, 4e6), sample(sizes[1], 6.28e8 + shift * 3e6, 4e6))
    for sizes in (3, 3), (4, 4), (6, 6), (5, 9), (8, 8):
        for shift in 0, 1:
            yield rank_case("%d+%d, pages, shift %d" % (*sizes, shift),
                            sample(sizes[0], 60000, 6000, PAGE), sample(sizes[1], 60000 + shift * 5000, 6000, PAGE))
    for sizes in (12, 12), (25, 20), (7, 24):
        for shift in 0, 1:
            yield rank_case("%d+%d, pages, shift %d" % (*sizes, shift),
                            sample(sizes[0], 90000, 9000, PAGE), sample(sizes[1], 90000 + shift * 8000, 9000, PAGE))
    yield rank_case("6+6, all equal but one", [8192] * 6, [8192] * 5 + [12288])
    yield rank_case("6+6, two values", [0, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 0])
    for sizes in (60, 60), (120, 150), (200, 60):
        for grain in 1, 65536:
            for shift in 0, 1:
                yield rank_case("%d+%d, %s, shift %d" % (*sizes, "no ties" if grain == 1 else "64 KiB", shift),
                                sample(sizes[0], 6.28e8, 4e5, grain), sample(sizes[1], 6.28e8 + shift * 1e5, 4e5, grain))


# ---- medians ----
def median_case(name, values, confidence):
    ordered, tail, count = sorted(values), (1 - confidence) / 2, len(values)
    low, high = int(stats.binom.ppf(tail, count, 0.5)) - 1, int(stats.binom.isf(tail, count, 0.5))
    is_wide_enough = low >= 0
    low, high = max(low, 0), min(high, count - 1)
    coverage = stats.binom.cdf(high, count, 0.5) - stats.binom.cdf(low, count, 0.5)
    return {"name": name, "values": values, "confidence": confidence, "median": float(numpy.median(values)),
            "low": ordered[low], "high": ordered[high], "coverage": float(coverage), "is_wide_enough": is_wide_enough}


def median_cases():
    for count in 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 29, 30, 31, 100, 101, 1000:
        for confidence in 0.95, 0.99, 0.5:
            if not (confidence == 0.5 and count in (2, 3)):  # 0.5 to the last bit
                yield median_case("%d at %g" % (count, confidence), sample(count, 5e7, 1e6), confidence)
    yield median_case("20 with ties", sample(20, 30000, 9000, PAGE), 0.95)


# ---- slopes ----
def falling_pairs(series):
    return sum(series[i] > series[j] for i in range(len(series)) for j in range(i + 1, len(series)))


def exact_by_orders(series):
    seen = falling_pairs(series)
    orders = [falling_pairs(order) for order in itertools.permutations(series)]
    return Fraction(sum(f <= seen for f in orders), len(orders)), Fraction(orders.count(0), len(orders))


def q_factorial(n):
    product = [1]
    for i in range(2, n + 1):
        product = [sum(product[k - j] for j in range(i) if 0 <= k - j < len(product)) for k in range(len(product) + i - 1)]
    return product


def divide(dividend, divisor):
    dividend, quotient = dividend[:], []
    for k in range(len(dividend) - len(divisor) + 1):
        quotient.append(dividend[k])
        for j, factor in enumerate(divisor):
            dividend[k + j] -= quotient[-1] * factor
    assert not any(dividend)
    return quotient


def exact_by_q_multinomial(series):
    orders = q_factorial(len(series))
    for equal in Counter(series).values():
        orders = divide(orders, q_factorial(equal))
    every = sum(orders)
    return Fraction(sum(orders[: falling_pairs(series) + 1]), every), Fraction(orders[0], every)


def trend_normally(series):
    """kendalltau's sum and deviation, less 1 for continuity."""
    count, index = len(series), numpy.arange(len(series))
    array = numpy.array(series)
    total = int(sum(numpy.sign(array[i + 1:] - array[i]).sum() for i in range(count)))
    assert total != 0
    side = "greater" if total > 0 else "less"
    deviation = abs(total) / stats.norm.isf(stats.kendalltau(index, series, alternative=side, method="asymptotic").pvalue)
    largest = count * (count - 1) // 2 - sum(t * (t - 1) // 2 for t in Counter(series).values())
    return stats.norm.sf((total - 1) / deviation), stats.norm.sf((largest - 1) / deviation)


def slope_case(name, series, confidence=0.95):
    has_ties = len(set(series)) < len(series)
    if len(series) > EXACT_SERIES_MAX:
        by = "kendalltau, asymptotic"
        p, smallest_p = trend_normally(series)
    elif not has_ties:
        by = "kendalltau, exact"
        p = stats.kendalltau(range(len(series)), series, alternative="greater", method="exact").pvalue
        smallest_p = 1 / math.factorial(len(series))
    else:
        by = "q-multinomial"
        p, smallest_p = map(float, exact_by_q_multinomial(series))
        if len(series) <= 8:
            by = "all orders"
            assert (p, smallest_p) == tuple(map(float, exact_by_orders(series)))
    slope = stats.theilslopes(series, alpha=confidence)
    return {"name": name, "by": by, "is_exact": "asymptotic" not in by, "series": series, "confidence": confidence,
            "slope": float(slope.slope), "low": float(slope.low_slope), "high": float(slope.high_slope),
            "p": float(p), "smallest_p": float(smallest_p)}


def slope_cases():
    yield slope_case("2, rising", [5, 9])
    yield slope_case("2, falling", [9, 5])
    yield slope_case("3, rising", [1, 2, 4])
    yield slope_case("6, rising", [10, 20, 25, 40, 41, 60])
    yield slope_case("6, falling", [60, 41, 40, 25, 20, 10])
    for count in 5, 8, 12, 20, 33, 34, 60, 300, 1000:
        for growth in -0.01, 0, 0.01, 0.2:
            noise = sample(count, 1e7, 2e6)
            yield slope_case("%d, growth %g" % (count, growth),
                             [int(4e7 + 1e6 * growth * i * 20 / count + noise[i]) for i in range(count)])
    for count in 4, 7, 8, 15, 25, 33, 34, 100, 400:
        for growth in 0, 0.3:
            noise = sample(count, 8, 2)
            yield slope_case("%d, pages, growth %g" % (count, growth),
                             [PAGE * (10 + int(growth * i) + noise[i]) for i in range(count)], 0.9)
    yield slope_case("10, flat but for the last", [8192] * 9 + [12288])
    yield slope_case("40, flat but for the first", [12288] + [8192] * 39)
    yield slope_case("900, a step", [700000] * 450 + [900000] * 450)
    yield slope_case("12 at 0.99", sample(12, 5e5, 1e4), 0.99)


# ---- Holm ----
def holm_case(p):
    return {"p": p, "adjusted": [float(a) for a in multipletests(p, method="holm")[1]]}


def holm_cases():
    yield holm_case([0.04])
    yield holm_case([0.01, 0.04, 0.03, 0.005])
    yield holm_case([0.02, 0.02, 0.02])
    yield holm_case([0.9, 0.8, 0.0001, 1.0, 0.5])
    yield holm_case([RANDOM.random() ** 4 for _ in range(40)])


def main():
    warnings.simplefilter("error")
    document = {
        "made_by": "tests/data/statistics/make.py",
        "made_with": {"scipy": scipy.__version__, "numpy": numpy.__version__, "statsmodels": statsmodels.__version__},
        "rank_tests": list(rank_cases()),
        "medians": list(median_cases()),
        "slopes": list(slope_cases()),
        "holm": list(holm_cases()),
    }
    for part in "rank_tests", "medians", "slopes":
        names = [case["name"] for case in document[part]]
        assert len(set(names)) == len(names)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.json")
    with open(path, "w", encoding="ascii") as out:
        # A line for each case.
        lines = []
        for key, value in document.items():
            if isinstance(value, list):
                lines.append("%s: [\n%s\n]" % (json.dumps(key), ",\n".join(json.dumps(case) for case in value)))
            else:
                lines.append("%s: %s" % (json.dumps(key), json.dumps(value)))
        out.write("{\n%s\n}\n" % ",\n".join(lines))


main()
