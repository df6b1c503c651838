/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading rules.
 */
#include "harness/check_rules.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/quantity.h"

enum { BOUND_BYTES = 64 };

static const char *const ACCEPTED[CHECK_KIND_COUNT] = {
    [CHECK_LIMIT] = "a size or a number, as in rss.total=512MiB",
    [CHECK_GROWTH] = "a part and a size, as in rss.total=5%,8MiB",
    [CHECK_SLOPE] = "a size for each dump, as in rss.total=64KiB/dump",
    [CHECK_EXACT] = "nothing but the metric, as in go.sizeclass.64.objects",
};

/* "5", "0.25": digits, at most one point. */
static bool read_decimal(const char *text, size_t bytes, double *number)
{
    char digits[BOUND_BYTES];
    snprintf(digits, sizeof digits, "%.*s", (int)bytes, text);
    size_t whole = strspn(digits, "0123456789");
    size_t fraction = digits[whole] == '.' ? 1 + strspn(digits + whole + 1, "0123456789") : 0;
    if (whole + fraction != bytes || whole == 0 || fraction == 1)
        return false;
    *number = strtod(digits, NULL);
    return true;
}

/* One of the two floors of a growth: "5%" or "8MiB". */
static bool read_floor(struct check_rule *rule, const char *text)
{
    enum { PERCENT = 100 };
    size_t bytes = strlen(text);
    if (bytes == 0 || text[bytes - 1] != '%')
        return quantity_size_bytes(text, &rule->amount);
    double percent;
    if (!read_decimal(text, bytes - 1, &percent))
        return false;
    rule->fraction = percent / PERCENT;
    return true;
}

static bool read_floors(struct check_rule *rule, char *text)
{
    char *comma = strchr(text, ',');
    if (comma == NULL)
        return read_floor(rule, text);
    *comma++ = '\0';
    comma += strspn(comma, " ");
    /* One of each: two of a kind would leave the other at nothing. */
    bool is_first_part = strchr(text, '%') != NULL, is_second_part = strchr(comma, '%') != NULL;
    return is_first_part != is_second_part && read_floor(rule, text) && read_floor(rule, comma);
}

static bool read_slope(struct check_rule *rule, char *text)
{
    static const char PER_DUMP[] = "/dump";
    size_t bytes = strlen(text), tail = sizeof PER_DUMP - 1;
    if (bytes > tail && strcmp(text + bytes - tail, PER_DUMP) == 0)
        text[bytes - tail] = '\0';
    return quantity_size_bytes(text, &rule->amount);
}

static bool read_bound(struct check_rule *rule, const char *bound)
{
    char text[BOUND_BYTES];
    if (snprintf(text, sizeof text, "%s", bound) >= (int)sizeof text)
        return false;
    switch (rule->kind) {
    case CHECK_LIMIT:
        return quantity_size_bytes(text, &rule->amount);
    case CHECK_GROWTH:
        return read_floors(rule, text);
    case CHECK_SLOPE:
        return read_slope(rule, text);
    case CHECK_EXACT:
        return text[0] == '\0';
    default:
        return false;
    }
}

bool check_rules_add_parts(struct check_rules *rules, enum check_kind kind, const char *pattern, const char *bound,
                           struct error *error)
{
    enum { FIRST_CAPACITY = 16 };
    struct check_rule rule = {.kind = kind};
    if (pattern[0] == '\0')
        return error_set(error, "the %s '%.60s' names no metric; give %s", check_kind_name(kind), bound,
                         ACCEPTED[kind]);
    if (!read_bound(&rule, bound))
        return error_set(error, "%s of '%.100s': '%.60s' is not accepted; give %s", check_kind_name(kind), pattern,
                         bound, ACCEPTED[kind]);
    if (rules->count == rules->capacity) {
        uint32_t capacity = rules->capacity == 0 ? FIRST_CAPACITY : rules->capacity * 2;
        struct check_rule *grown = reallocarray(rules->rules, capacity, sizeof *grown);
        if (grown == NULL)
            return error_set(error, "there is no memory for so many rules");
        rules->rules = grown;
        rules->capacity = capacity;
    }
    rule.pattern = bump_string(rules->bump, pattern, strlen(pattern));
    rules->rules[rules->count++] = rule;
    return true;
}

bool check_rules_add(struct check_rules *rules, enum check_kind kind, const char *text, struct error *error)
{
    char pattern[METRIC_NAME_BYTES];
    const char *equals = kind == CHECK_EXACT ? NULL : strrchr(text, '=');
    size_t bytes = equals == NULL ? strlen(text) : (size_t)(equals - text);
    if (bytes >= sizeof pattern)
        return error_set(error,
                         "'%.60s...' is longer than any metric; 'gopagewatch check --help' tells how they are "
                         "called",
                         text);
    snprintf(pattern, sizeof pattern, "%.*s", (int)bytes, text);
    return check_rules_add_parts(rules, kind, pattern, equals == NULL ? "" : equals + 1, error);
}

void check_rules_free(struct check_rules *rules)
{
    free(rules->rules);
    *rules = (struct check_rules){0};
}

bool check_rule_is_pattern(const struct check_rule *rule)
{
    return strpbrk(rule->pattern, "*?[") != NULL;
}

bool check_rule_matches(const struct check_rule *rule, const char *metric)
{
    return fnmatch(rule->pattern, metric, 0) == 0;
}
