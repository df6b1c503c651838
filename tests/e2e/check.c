/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch check` and `run --check` on real programs: what is planted is caught and named, what did not change
 * passes.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

enum {
    PASS = 0,
    REGRESSION = 1,
    WRONG_USE = 2,
    INCONCLUSIVE = 3,
    UNREADABLE = 4,
    CANNOT_PLANT = 77,
    LINE_BYTES = 16384
};

/* Runs a line with $G for the command and $P for planted of this toolchain. For program_free. */
__attribute__((format(printf, 3, 4))) static struct program *
shell(const struct temp_dir *dir, const struct toolchain *toolchain, const char *format, ...)
{
    static char line[LINE_BYTES];
    int prefix = snprintf(line, sizeof line, "P=%s; ", app_path(toolchain, "planted"));
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line + prefix, sizeof line - (size_t)prefix, format, arguments);
    va_end(arguments);
    must(length < (int)sizeof line - prefix, "a line that fits");
    return gopagewatch_shell(dir->path, line);
}

#define EXPECT_END(program, code) \
    cr_assert_eq(program_await_end(program), code, "%s%s", program_output(program), program_errors(program))

static void expect(const struct temp_dir *dir, const struct toolchain *toolchain, int code, const char *text,
                   const char *line)
{
    struct program *program = shell(dir, toolchain, "%s", line);
    EXPECT_END(program, code);
    if (strstr(program_output(program), text) == NULL && strstr(program_errors(program), text) == NULL)
        fail("\"%s\" is not in what '%s' says:\n%s%s", text, line, program_output(program), program_errors(program));
    program_free(program);
}

static json_t *load(const struct temp_dir *dir, const char *name)
{
    char path[PATH_MAX];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", dir->path, name);
    json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL)
        fail("%s: %s", path, error.text);
    return document;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* ---- what is planted ---- */

static const struct {
    const char *kind, *class;
} PLANTS[] = {
    {"objects", "go.objects"},   {"sparse", "go.unused"},       {"cheap", "c.heap.used"},
    {"stacks", "thread.stacks"}, {"reinflated", "go.released"}, {"touched", "go.objects"},
};

/* The class, and the RSS with it, and nothing else. */
static void expect_named(const json_t *result, const char *class, const char *what)
{
    char metric[64];
    size_t index;
    const json_t *row;
    unsigned regressions = 0;
    snprintf(metric, sizeof metric, "rss.%s.resident", class);
    json_array_foreach(json_object_get(result, "metrics"), index, row)
    {
        if (strcmp(text_of(row, "verdict"), "regression") != 0)
            continue;
        regressions++;
        cr_expect(strcmp(text_of(row, "metric"), metric) == 0 || strcmp(text_of(row, "metric"), "rss.total") == 0,
                  "%s: %s", what, text_of(row, "metric"));
    }
    cr_expect_eq(regressions, 2u, "%s: %u", what, regressions);
    cr_expect_str_eq(text_of(json_array_get(json_object_get(result, "grew_classes"), 0), "name"), class, "%s", what);
}

static const char GATE[] = "$G run --samples 6 --check --label done --baseline base --growth 'rss.*.resident=5%,4MiB' "
                           "--growth 'rss.total=5%,4MiB' --format json=result";

ENDS_TEST(check, catches_what_is_planted_and_names_its_class, .timeout = 600)
{
    struct temp_dir dir = temp_dir_make();
    struct program *program =
        shell(&dir, toolchain, "$G run --samples 6 --check --label done --update-baseline base -- $P none");
    EXPECT_END(program, PASS);
    program_free(program);
    program = shell(&dir, toolchain, "%s -- $P none", GATE);
    EXPECT_END(program, PASS);
    program_free(program);
    for (size_t i = 0; i < sizeof PLANTS / sizeof PLANTS[0]; i++) {
        program = shell(&dir, toolchain, "%s -- $P %s", GATE, PLANTS[i].kind);
        if (program_await_end(program) == CANNOT_PLANT) {
            fprintf(stderr, "check: %s is skipped: %s\n", PLANTS[i].kind, program_errors(program));
        } else {
            EXPECT_END(program, REGRESSION);
            json_t *result = load(&dir, "result");
            expect_named(result, PLANTS[i].class, PLANTS[i].kind);
            json_decref(result);
        }
        program_free(program);
    }
}

ENDS_TEST(check, catches_a_leak_of_a_hundredth_a_dump, .timeout = 300)
{
    struct temp_dir dir = temp_dir_make();
    struct program *program = shell(&dir, toolchain,
                                    "$G run --check --label step --slope 'rss.go.*.resident=200KiB/dump' "
                                    "--format json=result -- $P leak");
    EXPECT_END(program, REGRESSION);
    json_t *result = load(&dir, "result");
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(result, "metrics"), index, row)
    {
        bool is_it = strcmp(text_of(row, "metric"), "rss.go.objects.resident") == 0;
        cr_expect_str_eq(text_of(row, "verdict"), is_it ? "regression" : "pass", "%s", text_of(row, "metric"));
        /* A hundredth of 32 MiB, and a slice header for every 128 bytes. */
        double bytes_per_dump = json_number_value(json_object_get(row, "change"));
        if (is_it)
            cr_expect(bytes_per_dump > 300e3 && bytes_per_dump < 500e3, "%f", bytes_per_dump);
    }
    json_decref(result);
    program_free(program);
}

/* ---- what is not ---- */

enum { POOL = 60, ON_A_SIDE = 6, GATES = 200, FAILED_GATES_MAX = GATES / 20 };

/* A constant of its own for every test run: a failure can be looked at again. */
static unsigned next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*state >> 33);
}

/* The first twelve are a random choice afterwards. */
static void shuffle(unsigned pool[POOL], uint64_t *state)
{
    for (unsigned i = 0; i < 2 * ON_A_SIDE; i++) {
        unsigned other = i + next_random(state) % (POOL - i), kept = pool[i];
        pool[i] = pool[other];
        pool[other] = kept;
    }
}

static int gate_of(const struct temp_dir *dir, const struct toolchain *toolchain, const unsigned pool[POOL])
{
    char names[2][256] = {"", ""};
    for (unsigned i = 0; i < 2 * ON_A_SIDE; i++) {
        char *side = names[i / ON_A_SIDE];
        size_t filled = strlen(side);
        snprintf(side + filled, sizeof names[0] - filled, " kept/%u.*.json", pool[i]);
    }
    struct program *program = shell(dir, toolchain,
                                    "$G check --baseline%s --current%s --growth 'rss.*.resident=1%%,64KiB' "
                                    "--growth rss.total=1%%,64KiB --exact go.sizeclass.1792.objects",
                                    names[0], names[1]);
    int code = program_await_end(program);
    cr_assert(code == PASS || code == REGRESSION, "%s%s", program_output(program), program_errors(program));
    program_free(program);
    return code;
}

Test(check, lets_an_unchanged_program_pass, .timeout = 600)
{
    struct toolchain toolchain = toolchain_oldest();
    struct temp_dir dir = temp_dir_make();
    unsigned pool[POOL], failed = 0;
    uint64_t state = 20261124;
    struct program *program = shell(&dir, &toolchain, "$G run --samples %d --keep kept -- $P none", POOL);
    EXPECT_END(program, PASS);
    program_free(program);
    /* planted makes a dump of its own, and run one at the end: the latter are not needed. */
    program = shell(&dir, &toolchain, "rm -f kept/*.2.json && ls kept | wc -l");
    cr_assert_str_eq(program_output(program), "60\n");
    program_free(program);
    for (unsigned i = 0; i < POOL; i++)
        pool[i] = i + 1;
    for (unsigned gate = 0; gate < GATES; gate++) {
        shuffle(pool, &state);
        failed += gate_of(&dir, &toolchain, pool) == REGRESSION;
    }
    cr_expect_leq(failed, (unsigned)FAILED_GATES_MAX, "%u of %d gates failed", failed, GATES);
}

/* ---- too little, too much, too different ---- */

Test(check, says_when_it_cannot_say, .timeout = 300)
{
    struct toolchain toolchain = toolchain_oldest();
    struct temp_dir dir = temp_dir_make();
    static const struct {
        int code;
        const char *text, *line;
    } CASES[] = {
        {PASS, "5 samples written to base",
         "$G run --samples 5 --keep k --check --label done --update-baseline base -- $P none"},
        {PASS, "pass: 1 metric", "$G check --baseline base --current k/*.1.json --growth rss.total=5%,1MiB"},
        {INCONCLUSIVE, "take at least 4", "$G check --baseline base --current k/1.*.1.json --growth rss.total=5%,1MiB"},
        {PASS, "pass", "$G check --current k/1.*.1.json --limit rss.total=1GiB"},
        {REGRESSION, "above the limit", "$G check --current k/1.*.1.json --limit rss.total=1MiB"},
        /* The same sample again and again. */
        {PASS, "pass", "f=$(ls k/1.*.1.json); $G check --baseline $f $f $f $f --current $f $f $f $f --growth '*=0%,0'"},
        {INCONCLUSIVE, "none of 10 dumps has the label",
         "$G check --label no --current k/*.json --limit rss.total=1GiB"},
        {WRONG_USE, "no metric is called 'rss.totl'", "$G check --current k/1.*.1.json --limit rss.totl=1GiB"},
        {WRONG_USE, "no metric is called 'rss.x*'", "$G check --current k/1.*.1.json --limit 'rss.x*=1GiB'"},
        {PASS, "findings.lazyfree.bytes", "$G check --current k/1.*.1.json --limit findings.lazyfree.bytes=1"},
        {WRONG_USE, "give --baseline", "$G check --current k/1.*.1.json --growth rss.total=1%"},
        {UNREADABLE, "missing", "$G check --current missing --limit rss.total=1GiB"},
        {UNREADABLE, "is a baseline", "$G check --current base --limit rss.total=1GiB"},
        {PASS, "caught", "$G check --self-test --baseline base --growth rss.total=5%,1MiB"},
        {INCONCLUSIVE, "MISSED", "$G check --self-test --baseline base --growth '*=5%,1MiB'"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        expect(&dir, &toolchain, CASES[i].code, CASES[i].text, CASES[i].line);
}

static void change_baseline(const struct temp_dir *dir, const char *key, const char *inner, const char *value)
{
    char path[PATH_MAX];
    json_t *document = load(dir, "base");
    json_t *environment = json_object_get(document, "environment");
    json_object_set_new(inner == NULL ? environment : json_object_get(environment, key), inner == NULL ? key : inner,
                        json_string(value));
    snprintf(path, sizeof path, "%s/changed", dir->path);
    must(json_dump_file(document, path, 0) == 0, "%s", path);
    json_decref(document);
}

Test(check, tells_another_environment, .timeout = 300)
{
    static const struct {
        const char *key, *inner, *value, *text;
    } CHANGES[] = {
        {"go_version", NULL, "go1.18.1", "the environment differs: Go version: go1.18.1 -> go1."},
        {"thp", "enabled", "sometimes", "the environment differs: transparent_hugepage/enabled: sometimes -> "},
    };
    static const char LINE[] =
        "$G check %s --baseline changed --current k/*.1.json --growth rss.total=5%%,1MiB --limit peak.rss=1024GiB";
    struct toolchain toolchain = toolchain_oldest();
    struct temp_dir dir = temp_dir_make();
    struct program *program =
        shell(&dir, &toolchain, "$G run --samples 4 --keep k --check --label done --update-baseline base -- $P none");
    EXPECT_END(program, PASS);
    program_free(program);
    for (size_t i = 0; i < sizeof CHANGES / sizeof CHANGES[0]; i++) {
        char line[512];
        change_baseline(&dir, CHANGES[i].key, CHANGES[i].inner, CHANGES[i].value);
        snprintf(line, sizeof line, LINE, "");
        expect(&dir, &toolchain, PASS, CHANGES[i].text, line);
        snprintf(line, sizeof line, LINE, "--require-same-env");
        expect(&dir, &toolchain, INCONCLUSIVE, CHANGES[i].text, line);
    }
    /* Another build is what a gate is for. */
    change_baseline(&dir, "build_id", NULL, "0badcafe");
    expect(&dir, &toolchain, PASS, "pass: 2 metrics",
           "$G check --require-same-env --baseline changed --current k/*.1.json --growth rss.total=5%,1MiB "
           "--limit peak.rss=1024GiB");
}

/* A real program's zeros and equal values in every format. */
Test(check, formats_hold_numbers_only, .timeout = 300)
{
    struct toolchain toolchain = toolchain_oldest();
    struct temp_dir dir = temp_dir_make();
    expect(&dir, &toolchain, REGRESSION, "formats",
           "$G run --samples 4 --keep k -- $P none 2>/dev/null && export GITHUB_STEP_SUMMARY=$PWD/summary && "
           "echo before >summary && $G check --baseline k/*.1.json --current k/*.1.json --growth '*=0%,0' "
           "--limit rss.total=1 --slope '*=0' --exact '*' --format text --format json=json --format markdown=md "
           "--format junit=junit.xml --format github=github --format openmetrics=om --format gobench=bench >text; "
           "code=$?; grep -i -w -E 'nan|inf|-nan|infinity' text json md junit.xml github om bench && exit 99; "
           "head -1 summary | grep -q before && grep -q rss.total summary && test -s junit.xml && test -s bench && "
           "echo formats && exit $code");
}
