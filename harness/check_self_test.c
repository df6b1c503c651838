/* SPDX-License-Identifier: Apache-2.0
 *
 * Planting regressions. A trial has the baseline's values on both sides, those of the current side turned by one, and
 * what is planted on top.
 */
#include "harness/check_self_test.h"

#include <inttypes.h>
#include <string.h>

#include "gopagewatch/finding.h"

#define NS_PER_SECOND 1000000000ull
#define RESULT_BYTES_MAX ((uint64_t)1 << 30)

enum { MADE_UP_SAMPLES = 6, MADE_UP_COUNT = 1000, NOISE_PART = 200 };

/* More than any metric can be. */
#define BEYOND ((uint64_t)1 << 62)

#define MADE_UP_BYTES ((uint64_t)64 << 20)

/* ---- values to start from ---- */

/* The same in every run, and different from sample to sample. */
static uint64_t with_noise(uint64_t value, uint64_t sample)
{
    return value + sample * 37 % 11 * (value / NOISE_PART / 11);
}

struct making_up {
    struct samples *samples;
    uint64_t sample;
    struct error *error;
};

static bool make_up(void *context, const struct metric *metric)
{
    struct making_up *making = context;
    struct metric made_up = *metric;
    made_up.value = with_noise(metric->unit == METRIC_BYTES ? MADE_UP_BYTES : MADE_UP_COUNT, making->sample);
    return samples_put(making->samples, SAMPLES_BASELINE, making->sample, &made_up, making->error);
}

/* A dump of which only the names count. */
static bool make_up_sample(struct making_up *making)
{
    static const struct dump_class CLASSES[CLASS_COUNT] = {
#define X(id, class_name, class_meaning) [CLASS_##id] = {.name = (class_name)},
        GPW_MEMORY_CLASSES(X)
#undef X
    };
    static const uint64_t SLOTS_BYTES[] = {16, 64, 512, 4096};
    struct dump_size_class size_classes[sizeof SLOTS_BYTES / sizeof SLOTS_BYTES[0]] = {0};
    struct dump_heap heap = {.layout = "go1.26"};
    struct dump_finding findings[FINDING_COUNT] = {0};
    struct dump dump = {.rss = {.classes = (struct dump_class *)CLASSES, .classes_count = CLASS_COUNT},
                        .heaps = &heap,
                        .heaps_count = 1,
                        .size_classes = size_classes,
                        .size_classes_count = sizeof SLOTS_BYTES / sizeof SLOTS_BYTES[0],
                        .findings = findings,
                        .findings_count = FINDING_COUNT};
    for (uint64_t i = 0; i < dump.size_classes_count; i++)
        size_classes[i].slot_bytes = SLOTS_BYTES[i];
    for (int i = 0; i < FINDING_COUNT; i++)
        findings[i].id = finding_name((enum finding_id)i);
    struct sample_origin origin = {.since_start_ns = DUMP_NOT_KNOWN, .has_heap = true};
    return samples_add(making->samples, SAMPLES_BASELINE, &origin, NULL, &dump.environment, making->error) &&
           metrics_visit(&dump, make_up, making);
}

static bool make_up_baseline(struct samples *samples, const struct check_rules *rules, uint32_t min_samples,
                             struct error *error)
{
    uint64_t count = min_samples > MADE_UP_SAMPLES ? min_samples : MADE_UP_SAMPLES;
    for (uint64_t sample = 0; sample < count; sample++) {
        struct making_up making = {samples, sample, error};
        if (!make_up_sample(&making))
            return false;
        for (uint32_t i = 0; i < rules->count; i++) {
            struct metric metric = {.name = rules->rules[i].pattern};
            if (!check_rule_is_pattern(&rules->rules[i]) && metric_is_known(metric.name, &metric.unit) &&
                !make_up(&making, &metric))
                return false;
        }
    }
    return true;
}

/* ---- a trial ---- */

static bool is_planted(const struct check_rules *rules, const struct check_rule *planted, const char *metric)
{
    if (!check_rule_matches(planted, metric))
        return false;
    for (const struct check_rule *later = planted + 1; later < rules->rules + rules->count; later++) {
        if (later->kind == planted->kind && check_rule_matches(later, metric))
            return false;
    }
    return true;
}

static uint64_t highest_of(const uint64_t *values, uint64_t count)
{
    uint64_t highest = 0;
    for (uint64_t i = 0; i < count; i++)
        highest = values[i] != DUMP_NOT_KNOWN && values[i] > highest ? values[i] : highest;
    return highest;
}

/* A value that breaks the rule, well beyond its bound and the noise. */
static uint64_t plant(const struct check_rule *rule, uint64_t highest, uint64_t sample)
{
    double part = rule->fraction * (double)highest;
    uint64_t floor = rule->amount + (part < (double)BEYOND ? (uint64_t)part : BEYOND);
    switch (rule->kind) {
    case CHECK_LIMIT:
        return rule->amount + 1;
    case CHECK_SLOPE:
        return highest + (sample + 1) * (2 * rule->amount + highest / NOISE_PART + 1);
    case CHECK_GROWTH:
        return highest + 2 * floor + sample + 1;
    default:
        return highest + 1;
    }
}

static bool fill_trial(struct samples *trial, const struct samples *from, const struct check_rules *rules,
                       const struct check_rule *planted, struct error *error)
{
    const struct samples_of_side *side = &from->sides[SAMPLES_BASELINE];
    for (uint64_t sample = 0; sample < side->count; sample++) {
        /* One process's series, whatever the samples are from. */
        struct sample_origin origin = {.unix_ns = sample * NS_PER_SECOND,
                                       .since_start_ns = DUMP_NOT_KNOWN,
                                       .has_heap = side->origins[sample].has_heap};
        if (!samples_add(trial, SAMPLES_BASELINE, &origin, side->program, &side->environment, error) ||
            !samples_add(trial, SAMPLES_CURRENT, &origin, side->program, &side->environment, error))
            return false;
    }
    for (uint64_t i = 0; i < from->metrics_count; i++) {
        const struct samples_metric *source = &from->metrics[i];
        const uint64_t *values = source->values[SAMPLES_BASELINE];
        bool grows = planted != NULL && is_planted(rules, planted, source->name);
        for (uint64_t sample = 0; sample < side->count; sample++) {
            struct metric before = {source->name, source->unit, values[sample]};
            struct metric now = {source->name, source->unit, values[(sample + 1) % side->count]};
            if (grows)
                now.value = plant(planted, highest_of(values, side->count), sample);
            if (!samples_put(trial, SAMPLES_BASELINE, sample, &before, error) ||
                !samples_put(trial, SAMPLES_CURRENT, sample, &now, error))
                return false;
        }
    }
    return true;
}

struct finding_of_trial {
    bool is_caught, is_false_alarm;
    uint64_t metrics_count;         /* that something was planted in */
    char metric[METRIC_NAME_BYTES]; /* that was not caught, or the false alarm */
    char why[ERROR_TEXT_BYTES];
};

static void read_unplanted(struct finding_of_trial *finding, const struct check_result *result)
{
    for (uint64_t i = 0; i < result->rows_count && !finding->is_false_alarm; i++) {
        const struct check_row *row = &result->rows[i];
        /* A baseline may be above a limit. */
        finding->is_false_alarm = row->verdict == CHECK_REGRESSION && row->kind != CHECK_LIMIT;
        snprintf(finding->metric, sizeof finding->metric, "%s", row->metric);
    }
}

/* Every metric that the rule holds for must be caught. */
static void read_planted(struct finding_of_trial *finding, const struct check_result *result,
                         const struct check_rules *rules, const struct check_rule *planted)
{
    for (uint64_t i = 0; i < result->rows_count; i++) {
        const struct check_row *row = &result->rows[i];
        if (row->kind != planted->kind || !is_planted(rules, planted, row->metric))
            continue;
        finding->is_caught = row->verdict == CHECK_REGRESSION;
        finding->metrics_count++;
        snprintf(finding->metric, sizeof finding->metric, "%s", row->metric);
        snprintf(finding->why, sizeof finding->why, "%s", row->why);
        if (!finding->is_caught)
            return;
    }
}

static enum check_outcome try(struct finding_of_trial *finding, const struct samples *from,
                              const struct check_settings *settings, const struct check_rule *planted,
                              struct error *error)
{
    struct samples trial;
    struct bump bump;
    struct check_result result;
    enum check_outcome outcome = CHECK_NO_MEMORY;
    *finding = (struct finding_of_trial){.metric = "-", .why = "later rules take its place"};
    if (!samples_open(&trial, error))
        return outcome;
    if (bump_open(&bump, RESULT_BYTES_MAX) != 0) {
        samples_close(&trial);
        error_set(error, "there is no memory for a trial");
        return outcome;
    }
    if (fill_trial(&trial, from, &settings->rules, planted, error))
        outcome = check_judge(&result, &trial, settings, &bump, error);
    if (outcome == CHECK_JUDGED && planted == NULL)
        read_unplanted(finding, &result);
    else if (outcome == CHECK_JUDGED)
        read_planted(finding, &result, &settings->rules, planted);
    bump_close(&bump);
    samples_close(&trial);
    return outcome;
}

/* ---- all trials ---- */

static bool add_own_rules(struct check_rules *rules, struct error *error)
{
    return check_rules_add(rules, CHECK_LIMIT, "rss.total=1GiB", error) &&
           check_rules_add(rules, CHECK_GROWTH, "rss.*.resident=5%,1MiB", error) &&
           check_rules_add(rules, CHECK_SLOPE, "rss.total=64KiB/dump", error) &&
           check_rules_add(rules, CHECK_EXACT, "go.sizeclass.64.objects", error);
}

static void write_finding(FILE *out, const struct finding_of_trial *finding, const struct check_rule *planted)
{
    if (planted == NULL && finding->is_false_alarm)
        fprintf(out, "ALARM     nothing planted, and yet a regression: %s\n", finding->metric);
    else if (planted == NULL)
        fprintf(out, "passed    nothing planted\n");
    else if (finding->is_caught)
        fprintf(out, "caught    %s of %s (metrics: %" PRIu64 ")\n", check_kind_name(planted->kind), planted->pattern,
                finding->metrics_count);
    else
        fprintf(out, "MISSED    %s of %s: %s: %s\n", check_kind_name(planted->kind), planted->pattern, finding->metric,
                finding->why);
}

static enum exit_code run_trials(FILE *out, const struct samples *from, const struct check_settings *settings,
                                 const char *subcommand)
{
    enum exit_code code = EXIT_CODE_OK;
    struct error error;
    for (uint32_t i = 0; i <= settings->rules.count; i++) {
        const struct check_rule *planted = i == 0 ? NULL : &settings->rules.rules[i - 1];
        struct finding_of_trial finding;
        enum check_outcome outcome = try(&finding, from, settings, planted, &error);
        if (outcome == CHECK_REFUSED)
            return command_refuse_use(subcommand, "%s", error.text);
        if (outcome != CHECK_JUDGED) {
            command_complain(subcommand, "self-test", &error);
            return EXIT_CODE_UNREADABLE;
        }
        write_finding(out, &finding, planted);
        if (finding.is_false_alarm || (planted != NULL && !finding.is_caught))
            code = EXIT_CODE_INCONCLUSIVE;
    }
    fputs(code == EXIT_CODE_OK ? "the gate can fail, and does not fail for nothing\n"
                               : "this gate proves nothing: mend what is MISSED or raises an ALARM\n",
          out);
    return code;
}

enum exit_code check_self_test(FILE *out, struct samples *samples, const struct check_settings *settings,
                               const char *subcommand)
{
    struct error error;
    struct check_settings own = *settings;
    struct check_rules rules = {.bump = settings->rules.bump};
    if (settings->rules.count == 0) {
        if (!add_own_rules(&rules, &error)) {
            check_rules_free(&rules);
            command_complain(subcommand, "self-test", &error);
            return EXIT_CODE_UNREADABLE;
        }
        own.rules = rules;
    }
    bool is_made =
        samples->sides[SAMPLES_BASELINE].count > 0 || make_up_baseline(samples, &own.rules, own.min_samples, &error);
    enum exit_code code = EXIT_CODE_UNREADABLE;
    if (is_made && check_require_named(samples, &own.rules, &error) && samples_finish(samples, &error))
        code = run_trials(out, samples, &own, subcommand);
    else
        command_complain(subcommand, "self-test", &error);
    check_rules_free(&rules);
    return code;
}
