/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of a gate in words.
 */
#include "harness/check_words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/human.h"
#include "memory/units.h"

static const char NONE[] = "-";

const char *check_verdict_name(enum check_verdict verdict)
{
    switch (verdict) {
    case CHECK_PASS:
        return "pass";
    case CHECK_INCONCLUSIVE:
        return "inconclusive";
    case CHECK_REGRESSION:
        return "regression";
    case CHECK_VERDICT_COUNT:
        break;
    }
    return "unknown";
}

const char *check_kind_name(enum check_kind kind)
{
    static const char *const NAMES[] = {
#define X(id, name) name,
        CHECK_KINDS(X)
#undef X
    };
    return kind < CHECK_KIND_COUNT ? NAMES[kind] : "unknown";
}

__attribute__((format(printf, 1, 2))) static struct check_words words(const char *format, ...)
{
    struct check_words made;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(made.text, sizeof made.text, format, arguments);
    va_end(arguments);
    return made;
}

__attribute__((format(printf, 2, 3))) static void add(struct check_sentence *sentence, const char *format, ...)
{
    size_t bytes = strlen(sentence->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence->text + bytes, sizeof sentence->text - bytes, format, arguments);
    va_end(arguments);
}

/* ---- values ---- */

/* 2^64, the first double that is none. */
static uint64_t whole(double value)
{
    return !(value > 0) ? 0 : value >= 0x1p64 ? UINT64_MAX : (uint64_t)(value + 0.5);
}

/* From 2^53 on every double is. */
static bool is_whole(double value)
{
    return value >= 0x1p53 || (double)(uint64_t)value == value;
}

static double magnitude(double value)
{
    return value < 0 ? -value : value;
}

struct check_words check_value(double value, enum metric_unit unit)
{
    enum { TENTHS_ARE_ENOUGH = 10 };
    if (!(value > 0))
        return words("0");
    if (value < 1)
        return words("%.2g%s", value, unit == METRIC_BYTES ? " B" : "");
    if (unit == METRIC_BYTES)
        return words("%s", human_bytes(whole(value)).text);
    if (is_whole(value))
        return words("%.0f", value);
    return words("%.*f", value < TENTHS_ARE_ENOUGH ? 2 : 1, value);
}

static struct check_words signed_value(double change, enum metric_unit unit)
{
    if (change == 0)
        return words("0");
    return words("%c%s", change > 0 ? '+' : '-', check_value(magnitude(change), unit).text);
}

/* Without a sign; tenths below ten times, and an end to what is said exactly at either end. */
static struct check_words percent(double ratio)
{
    enum { TIMES = 10, END = 10000 };
    static const double HALF_A_TENTH = 0.0005;
    if (ratio >= END)
        return words(">%d", END * 100);
    if (ratio < HALF_A_TENTH)
        return words("<0.1");
    return words("%.*f", ratio >= TIMES ? 0 : 1, ratio * 100);
}

static struct check_words percent_change(double old_value, double change)
{
    if (change == 0)
        return words("0");
    if (!(old_value > 0))
        return words("new");
    return words("%c%s", change > 0 ? '+' : '-', percent(magnitude(change) / old_value).text);
}

static struct check_words both(const char *change, const char *in_percent)
{
    if (strcmp(in_percent, NONE) == 0 || strcmp(change, "0") == 0)
        return words("%s", change);
    return words("%s (%s%s)", change, in_percent, strcmp(in_percent, "new") == 0 ? "" : " %");
}

/* ---- a side ---- */

bool check_has_interval(const struct check_side *side)
{
    return side->count > 1 && side->coverage > 0;
}

struct check_words check_median(const struct check_side *side, enum metric_unit unit)
{
    return side->count == 0 ? words("%s", NONE) : check_value(side->median, unit);
}

/* The unit is said once where all three have the same. */
struct check_words check_median_interval(const struct check_side *side, enum metric_unit unit)
{
    struct check_words median = check_median(side, unit);
    if (!check_has_interval(side) || side->low == side->high)
        return median;
    struct check_words low = check_value(side->low, unit), high = check_value(side->high, unit);
    const char *of_median = strchr(median.text, ' ');
    char *of_low = strchr(low.text, ' '), *of_high = strchr(high.text, ' ');
    if (of_median != NULL && of_low != NULL && of_high != NULL && strcmp(of_low, of_median) == 0 &&
        strcmp(of_high, of_median) == 0)
        *of_low = *of_high = '\0';
    return words("%.31s [%.31s, %.31s]", median.text, low.text, high.text);
}

struct check_words check_spread(const struct check_side *side)
{
    if (!check_has_interval(side) || side->low == side->high || !(side->median > 0))
        return words("%s", "");
    double above = side->high - side->median, below = side->median - side->low;
    return words("%s %%", percent(magnitude(above > below ? above : below) / side->median).text);
}

/* ---- a change ---- */

struct check_words check_change(const struct check_row *row)
{
    if (!row->has_change)
        return words("%s", NONE);
    return words("%.63s%s", signed_value(row->change, row->unit).text, row->kind == CHECK_SLOPE ? "/dump" : "");
}

struct check_words check_change_percent(const struct check_row *row)
{
    if (!row->has_change || row->baseline.count == 0)
        return words("%s", NONE);
    return percent_change(row->baseline.median, row->change);
}

struct check_words check_change_both(const struct check_row *row)
{
    return both(check_change(row).text, check_change_percent(row).text);
}

const char *check_growth_from(const struct check_result *result)
{
    return result->baseline_samples > 0 ? "baseline" : "first";
}

const char *check_growth_to(const struct check_result *result)
{
    return result->baseline_samples > 0 ? "current" : "last";
}

struct check_words check_growth_change(const struct check_growth *growth)
{
    return signed_value(growth->current_bytes - growth->baseline_bytes, METRIC_BYTES);
}

struct check_words check_growth_percent(const struct check_growth *growth)
{
    return percent_change(growth->baseline_bytes, growth->current_bytes - growth->baseline_bytes);
}

struct check_words check_growth_both(const struct check_growth *growth)
{
    return both(check_growth_change(growth).text, check_growth_percent(growth).text);
}

struct check_words check_p(const struct check_row *row)
{
    static const double SMALLEST = 0.001;
    if (!row->has_p)
        return words("%s", NONE);
    return row->p < SMALLEST ? words("<0.001") : words("%.3f", row->p);
}

/* ---- sentences ---- */

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

struct check_sentence check_grew_most(const struct check_result *result)
{
    enum { CLASSES = 3, SIZE_CLASSES = 2 };
    struct check_sentence sentence = {""};
    for (uint64_t i = 0; i < min_u64(result->classes_count, CLASSES); i++)
        add(&sentence, "%s%s %s", i > 0 ? ", " : "", result->classes[i].name,
            check_growth_both(&result->classes[i]).text);
    for (uint64_t i = 0; i < min_u64(result->size_classes_count, SIZE_CLASSES); i++)
        add(&sentence, "%s%s bytes %s",
            i > 0                      ? ", "
            : sentence.text[0] == '\0' ? "slots of "
                                       : "; slots of ",
            result->size_classes[i].name, check_growth_both(&result->size_classes[i]).text);
    return sentence;
}

static void add_worst(struct check_sentence *sentence, const struct check_result *result)
{
    const struct check_row *row = &result->rows[0];
    if (row->has_change)
        add(sentence, "; %s %s", row->metric, check_change_both(row).text);
    else
        add(sentence, "; %s %s, allowed %s", row->metric, check_median(&row->current, row->unit).text, row->bound);
    if (result->classes_count > 0)
        add(sentence, "; grew most: %s %s", result->classes[0].name, check_growth_both(&result->classes[0]).text);
}

struct check_sentence check_headline(const struct check_result *result)
{
    uint64_t inconclusive = result->verdict_rows[CHECK_INCONCLUSIVE], count = result->rows_count;
    struct check_sentence sentence = {""};
    add(&sentence, "%s: ", check_verdict_name(result->verdict));
    if (count == 0)
        add(&sentence, "no metric was checked");
    else if (result->verdict == CHECK_PASS)
        add(&sentence, "%" PRIu64 " metric%s", count, plural(count));
    else
        add(&sentence, "%" PRIu64 " of %" PRIu64 " metric%s", result->verdict_rows[result->verdict], count,
            plural(count));
    if (result->verdict != CHECK_REGRESSION || count == 0)
        return sentence;
    if (inconclusive > 0)
        add(&sentence, ", %" PRIu64 " inconclusive", inconclusive);
    add_worst(&sentence, result);
    return sentence;
}

struct check_sentence check_subject(const struct check_result *result)
{
    const char *const known[] = {result->program, result->go_version, result->machine};
    struct check_sentence sentence = {""};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i] != NULL)
            add(&sentence, "%s%s", sentence.text[0] == '\0' ? "" : ", ", known[i]);
    }
    add(&sentence, "%s", sentence.text[0] == '\0' ? "" : "; ");
    if (result->baseline_samples > 0)
        add(&sentence, "%" PRIu64 " baseline sample%s, ", result->baseline_samples, plural(result->baseline_samples));
    add(&sentence, "%" PRIu64 " current%s", result->current_samples,
        result->baseline_samples > 0   ? ""
        : result->current_samples == 1 ? " sample"
                                       : " samples");
    return sentence;
}

struct check_sentence check_facts(const struct check_row *row)
{
    struct check_sentence sentence = {""};
    if (row->baseline.count > 0)
        add(&sentence, "baseline %s, ", check_median_interval(&row->baseline, row->unit).text);
    if (row->current.count > 0)
        add(&sentence, "current %s, ", check_median_interval(&row->current, row->unit).text);
    if (row->has_change)
        add(&sentence, "change %s, ", check_change_both(row).text);
    if (row->has_p)
        add(&sentence, "p %s, ", check_p(row).text);
    add(&sentence, "allowed %s", row->bound);
    return sentence;
}

/* ---- which rows ---- */

enum { NOT_PASSED_SHOWN = 100, PASSED_SHOWN = 20 };

static uint64_t not_passed(const struct check_result *result)
{
    return result->rows_count - min_u64(result->verdict_rows[CHECK_PASS], result->rows_count);
}

/* The rows stand worst first. */
bool check_is_shown(const struct check_result *result, uint64_t row)
{
    uint64_t first_passed = not_passed(result);
    return row < first_passed ? row < NOT_PASSED_SHOWN : row - first_passed < PASSED_SHOWN;
}

struct check_sentence check_not_shown(const struct check_result *result)
{
    static const struct {
        enum check_verdict verdict;
        const char *one, *many;
    } WORDS[] = {{CHECK_REGRESSION, "regression", "regressions"},
                 {CHECK_INCONCLUSIVE, "inconclusive", "inconclusive"},
                 {CHECK_PASS, "passed", "passed"}};
    uint64_t hidden[CHECK_VERDICT_COUNT] = {0};
    struct check_sentence sentence = {""};
    for (uint64_t i = 0; i < result->rows_count; i++)
        hidden[result->rows[i].verdict] += !check_is_shown(result, i);
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        uint64_t count = hidden[WORDS[i].verdict];
        if (count > 0)
            add(&sentence, "%s%" PRIu64 " more %s", sentence.text[0] == '\0' ? "" : ", ", count,
                count == 1 ? WORDS[i].one : WORDS[i].many);
    }
    return sentence;
}

uint64_t check_same_reason(const struct check_result *result, uint64_t row)
{
    const struct check_row *first = &result->rows[row];
    uint64_t count = 1;
    while (row + count < result->rows_count && check_is_shown(result, row + count) &&
           result->rows[row + count].verdict == first->verdict && result->rows[row + count].kind == first->kind &&
           strcmp(result->rows[row + count].why, first->why) == 0)
        count++;
    return count;
}
