/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a gate's baseline, its configuration and its rules. The input is each of them as bytes, or what they are
 * put together from: names that match, values, origins. Whatever they are, a gate has a row for every rule, verdicts
 * that add up, and no number that is none.
 *
 * Sources: harness/ but main.c, and the rooms that it shares with the shim.
 */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/baseline.h"
#include "harness/check_config.h"
#include "harness/check_format.h"
#include "harness/check_judge.h"

enum { SAMPLES_MAX = 12, RULES_MAX = 6, TEXT_BYTES_MAX = 64 };

static const char *const NAMES[] = {"rss.total",
                                    "peak.rss",
                                    "rss.go.unused.resident",
                                    "rss.c.mmap.resident",
                                    "go.sizeclass.64.objects",
                                    "go.sizeclass.64.resident",
                                    "go.large.resident",
                                    "findings.lazyfree.bytes",
                                    "go.advice.go.DONTNEED.bytes",
                                    "process.threads"};
enum { NAMES_COUNT = sizeof NAMES / sizeof NAMES[0] };

/* Small ones make ties, shifted ones any size; 63 bits, as in a dump, or not known. */
static uint64_t take_value(struct input *input)
{
    uint64_t how = input_take(input, 1);
    if (how % 8 == 0)
        return DUMP_NOT_KNOWN;
    if (how % 8 < 4)
        return how / 8;
    return (input_take(input, 8) >> how / 8) & INT64_MAX;
}

static void take_text(struct input *input, char text[TEXT_BYTES_MAX])
{
    size_t bytes = input_take(input, 1) % TEXT_BYTES_MAX, count = 0;
    for (; count < bytes && input->left > 0; count++)
        text[count] = (char)input_take(input, 1);
    text[count] = '\0';
}

/* ---- rules ---- */

static void add_rule(struct input *input, struct check_rules *rules)
{
    static const char *const BOUNDS[] = {"0",
                                         "1",
                                         "512MiB",
                                         "5%",
                                         "5%,8MiB",
                                         "0.1%",
                                         "100%",
                                         "64KiB/dump",
                                         "200%, 1",
                                         "18446744073709551615",
                                         "99999999999999999999%"};
    static const char *const PATTERNS[] = {"*", "rss.*", "*.resident", "go.sizeclass.4096.resident",
                                           "go.heaps.0.spans"};
    char text[2 * TEXT_BYTES_MAX], bytes[TEXT_BYTES_MAX];
    struct error error = {""};
    enum check_kind kind = (enum check_kind)(input_take(input, 1) % CHECK_KIND_COUNT);
    size_t how = input_take(input, 1), bound = input_take(input, 1) % (sizeof BOUNDS / sizeof BOUNDS[0]);
    const char *pattern =
        how % 2 == 0 ? NAMES[how / 2 % NAMES_COUNT] : PATTERNS[how / 2 % (sizeof PATTERNS / sizeof PATTERNS[0])];
    if (input_take(input, 1) % 4 == 0) {
        take_text(input, bytes);
        snprintf(text, sizeof text, "%s", bytes);
    } else {
        snprintf(text, sizeof text, "%s%s%s", pattern, kind == CHECK_EXACT ? "" : "=",
                 kind == CHECK_EXACT ? "" : BOUNDS[bound]);
    }
    MUST(check_rules_add(rules, kind, text, &error) || error.text[0] != '\0');
    for (uint32_t i = 0; i < rules->count; i++)
        MUST(isfinite(rules->rules[i].fraction) && rules->rules[i].fraction >= 0);
}

static void read_config(struct input *input, struct check_options *options)
{
    static int fd = -1;
    char path[64];
    struct error error = {""};
    bool is_missing;
    size_t bytes = input_take(input, 1) % 2 == 0 ? 0 : input_take(input, 2);
    bytes = bytes < input->left ? bytes : input->left;
    if (fd < 0)
        fd = memfd_create("config", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    MUST(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, input->at, bytes, 0) == (ssize_t)bytes);
    input->at += bytes;
    input->left -= bytes;
    bool is_read = check_config_read(options, path, &is_missing, &error);
    MUST(!is_missing && is_read == (error.text[0] == '\0'));
    MUST(options->settings.alpha > 0 && options->settings.alpha < 0.5);
    MUST(options->settings.min_samples > 0 && options->settings.top_rows > 0);
}

/* ---- samples ---- */

/* jansson's json_string and json_null have the names of the shim's writer: neither is called here. */
static json_t *put_together(struct input *input)
{
    json_t *document = json_loads(
        "{\"schema\":\"gopagewatch.baseline/1\",\"program\":\"shop\",\"environment\":{\"kernel\":\"6.18.0\","
        "\"machine\":\"x86_64\",\"cpus\":4,\"os_page_bytes\":4096,\"go_version\":null,\"build_id\":null,\"gogc\":null,"
        "\"gomemlimit\":null,\"godebug\":null,\"gomaxprocs\":null,\"thp\":{\"enabled\":null,\"defrag\":null,"
        "\"khugepaged_max_ptes_none\":null},\"cgroup_memory_max_bytes\":null},\"samples\":[],\"bytes\":{},\"counts\":{}"
        "}",
        0, NULL);
    size_t count = input_take(input, 1) % SAMPLES_MAX;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            json_object_get(document, "samples"),
            json_loads(input_take(input, 1) % 4 == 0 ? "{\"has_heap\":false}" : "{\"has_heap\":true}", 0, NULL));
    for (size_t metrics = input_take(input, 1) % NAMES_COUNT; metrics > 0; metrics--) {
        uint64_t which = input_take(input, 1);
        json_t *values = json_array();
        for (size_t i = 0; i < count; i++) {
            uint64_t value = take_value(input);
            json_array_append_new(values, value == DUMP_NOT_KNOWN ? json_loads("null", JSON_DECODE_ANY, NULL)
                                                                  : json_integer((json_int_t)value));
        }
        json_object_set_new(json_object_get(document, which % 2 == 0 ? "bytes" : "counts"),
                            NAMES[which / 2 % NAMES_COUNT], values);
    }
    return document;
}

static bool read_baseline(struct samples *samples, json_t *document)
{
    struct error error = {""};
    bool is_read = document == NULL || baseline_read(samples, document, &error);
    MUST(is_read == (error.text[0] == '\0'));
    json_decref(document);
    return is_read;
}

static void add_current(struct input *input, struct samples *samples)
{
    struct error error;
    struct dump_environment environment = {.kernel = input_take(input, 1) % 2 == 0 ? "6.18.0" : NULL};
    size_t count = input_take(input, 1) % SAMPLES_MAX, metrics = input_take(input, 1) % NAMES_COUNT;
    for (size_t i = 0; i < count; i++) {
        uint64_t how = input_take(input, 1);
        struct sample_origin origin = {.pid = how & 1,
                                       .seq = i,
                                       .unix_ns = how & 2 ? take_value(input) : i,
                                       .since_start_ns = how & 4 ? take_value(input) : i,
                                       .host = how & 8 ? "web-3" : NULL,
                                       .has_heap = (how & 16) != 0};
        MUST(samples_add(samples, SAMPLES_CURRENT, &origin, how & 32 ? "shop" : NULL, &environment, &error));
        for (size_t metric = 0; metric < metrics; metric++) {
            struct metric value = {NAMES[metric], metric % 3 == 0 ? METRIC_COUNT : METRIC_BYTES, take_value(input)};
            if (how & 64)
                MUST(samples_put(samples, SAMPLES_CURRENT, i, &value, &error));
        }
    }
}

/* ---- what must hold ---- */

static void check_side(const struct check_side *side)
{
    MUST(isfinite(side->median) && isfinite(side->low) && isfinite(side->high) && isfinite(side->coverage));
    MUST(side->low <= side->median && side->median <= side->high);
    for (uint64_t i = 0; i < side->count; i++)
        MUST(side->values[i] != DUMP_NOT_KNOWN);
}

static void check_result(const struct check_result *result, const struct samples *samples)
{
    uint64_t rows = 0;
    MUST(result->rows_count > 0 && result->verdict == result->rows[0].verdict);
    for (int verdict = 0; verdict < CHECK_VERDICT_COUNT; verdict++)
        rows += result->verdict_rows[verdict];
    MUST(rows == result->rows_count);
    for (uint64_t i = 0; i < result->rows_count; i++) {
        const struct check_row *row = &result->rows[i];
        check_side(&row->baseline);
        check_side(&row->current);
        MUST(isfinite(row->change) && isfinite(row->p) && row->p >= 0 && row->p <= 1);
        MUST(row->why[0] != '\0' && row->bound[0] != '\0');
        /* What nobody knows is never let pass. */
        MUST(row->current.count > 0 || row->verdict == CHECK_INCONCLUSIVE);
        MUST((row->kind != CHECK_LIMIT && row->kind != CHECK_EXACT) || row->verdict != CHECK_PASS ||
             row->current.count == samples->sides[SAMPLES_CURRENT].count);
    }
    for (uint64_t i = 0; i < result->classes_count; i++)
        MUST(result->classes[i].current_bytes > result->classes[i].baseline_bytes);
    MUST(result->verdict == CHECK_REGRESSION || result->classes_count + result->size_classes_count == 0);
}

static void write_format(const struct check_result *result, uint64_t which)
{
    static const char *const FORMATS[] = {"text", "json", "markdown", "junit", "github", "openmetrics", "gobench"};
    static FILE *out;
    struct check_view view = {.width_columns = 80};
    struct error error;
    if (out == NULL)
        out = fopen("/dev/null", "we");
    MUST(out != NULL);
    which %= sizeof FORMATS / sizeof FORMATS[0];
    MUST(check_format_find(FORMATS[which])->write(out, result, &view, &error));
}

static void judge(struct samples *samples, const struct check_options *options, uint64_t format)
{
    struct check_result result;
    struct bump bump;
    struct error error = {""};
    MUST(bump_open(&bump, (uint64_t)64 << 20) == 0);
    switch (check_judge(&result, samples, &options->settings, &bump, &error)) {
    case CHECK_JUDGED:
        check_result(&result, samples);
        write_format(&result, format);
        break;
    case CHECK_REFUSED:
        MUST(error.text[0] != '\0');
        break;
    case CHECK_NO_MEMORY:
        MUST(false);
    }
    bump_close(&bump);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input input = {data, bytes};
    struct check_options options = {.settings = {.alpha = 0.05, .min_samples = 4, .top_rows = 10}};
    struct samples samples;
    struct error error;
    MUST(bump_open(&options.bump, (uint64_t)16 << 20) == 0 && samples_open(&samples, &error));
    options.settings.rules.bump = &options.bump;
    uint64_t how = input_take(&input, 1);
    options.settings.needs_same_environment = (how & 1) != 0;
    read_config(&input, &options);
    for (uint64_t rules = input_take(&input, 1) % RULES_MAX; rules > 0; rules--)
        add_rule(&input, &options.settings.rules);
    add_current(&input, &samples);
    json_t *document = (how & 2) != 0 ? put_together(&input)
                                      : json_loadb((const char *)input.at, input.left, JSON_REJECT_DUPLICATES, NULL);
    if (read_baseline(&samples, document) && options.settings.rules.count > 0)
        judge(&samples, &options, how / 4);
    samples_close(&samples);
    check_options_free(&options);
    return 0;
}
