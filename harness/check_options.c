/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of a gate. Those with a value may stand in a configuration as well, under the same name.
 */
#include "harness/check_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/arguments.h"
#include "harness/check_config.h"
#include "harness/command_options.h"

#define TEXT_BYTES_MAX ((uint64_t)64 << 20)

enum { MIN_SAMPLES_DEFAULT = 4, TOP_DEFAULT = 10 };

#define ALPHA_DEFAULT 0.05

static const char USAGE[] =
    "usage: gopagewatch check [--baseline FILE|DUMP...] --current DUMP... RULE... [OPTION...]\n"
    "\n"
    "The CI gate: compares the memory of a program with what it was, and fails when it grew. METRIC is\n"
    "a number of a dump (rss.total, peak.rss, rss.go.unused.resident, go.sizeclass.64.objects,\n"
    "findings.released-resident.bytes; --list names all) or a pattern with * for several of them.\n"
    "\n"
    "      --baseline FILE|DUMP...\n"
    "                            what it was: a file of --update-baseline, or dumps\n"
    "      --current DUMP...     what it is: a dump of each of several runs, or a series of one\n"
    "      --limit METRIC=SIZE   no sample may be above: rss.total=512MiB\n"
    "      --growth METRIC=PART%,SIZE\n"
    "                            the median may grow by that much; both floors must be passed, and\n"
    "                            the samples must prove it: rss.total=5%,8MiB\n"
    "      --slope METRIC=SIZE/dump\n"
    "                            how much it may rise from dump to dump of one process\n"
    "      --exact METRIC        may not grow at all, for what is the same in every run\n"
    "      --config FILE         rules and settings from FILE (gopagewatch.ini); options come on top\n"
    "      --alpha P             chance of a false alarm, of all rules together; default 0.05\n"
    "      --min-samples N       fewer on a side are inconclusive; default 4\n"
    "      --require-same-env    another kernel, Go version, GOGC, ... is inconclusive, not a warning\n"
    "      --label L             only dumps with this label count\n"
    "      --phase P             only dumps in this phase of the program count (gpw_mark)\n"
    "      --top N               so many rows of what grew; default 10\n"
    "      --format F[=FILE]     text, json, markdown, junit, github, openmetrics, gobench; may be\n"
    "                            given several times\n"
    "      --update-baseline FILE\n"
    "                            writes the current samples there as baseline, judges nothing\n"
    "      --self-test           plants a regression for each rule and shows that it is caught\n"
    "      --list                names all metrics of the current dumps\n"
    "  -h, --help                this page\n"
    "\n"
    "example:\n"
    "  gopagewatch check --current runs/*.json --update-baseline ci/memory.json\n"
    "  gopagewatch check --baseline ci/memory.json --current runs/*.json --growth rss.total=5%,8MiB\n"
    "\n"
    "exit status: 0 pass, 1 regression, 2 wrong use or configuration, 3 inconclusive (too few samples,\n"
    "or another environment with --require-same-env), 4 an input cannot be read\n";

/* ---- values ---- */

static bool set_alpha(struct check_options *options, const char *value, struct error *error)
{
    char *end;
    double alpha = value[strspn(value, "0123456789.")] == '\0' ? strtod(value, &end) : 0;
    if (!(alpha > 0 && alpha < 0.5) || *end != '\0')
        return error_set(error, "alpha '%.60s': give a chance between 0 and 0.5, as 0.05", value);
    options->settings.alpha = alpha;
    return true;
}

static bool set_count(uint32_t *count, const char *name, const char *value, struct error *error)
{
    return argument_read_count(value, count) ||
           error_set(error, "%s '%.60s': give a whole number from 1 on", name, value);
}

static bool set_switch(bool *is_on, const char *name, const char *value, struct error *error)
{
    *is_on = strcmp(value, "yes") == 0;
    return *is_on || strcmp(value, "no") == 0 || error_set(error, "%s '%.60s': give yes or no", name, value);
}

/* F or F=FILE */
static bool add_output(struct check_options *options, const char *value, struct error *error)
{
    char name[32];
    size_t bytes = strcspn(value, "=");
    snprintf(name, sizeof name, "%.*s", (int)bytes, value);
    const struct check_format *format = check_format_find(name);
    const char *path = value[bytes] == '=' ? value + bytes + 1 : NULL;
    if (format == NULL || (path != NULL && path[0] == '\0'))
        return error_set(error,
                         "format '%.60s': give text, json, markdown, junit, github, openmetrics or gobench, "
                         "and a file behind = if it is to be one",
                         value);
    if (options->outputs_count == CHECK_OUTPUTS_MAX)
        return error_set(error, "more than %d formats; give fewer", CHECK_OUTPUTS_MAX);
    options->outputs[options->outputs_count++] = (struct check_output){format, path};
    return true;
}

bool check_options_set(struct check_options *options, const char *name, const char *value, struct error *error)
{
    if (strcmp(name, "alpha") == 0)
        return set_alpha(options, value, error);
    if (strcmp(name, "min-samples") == 0)
        return set_count(&options->settings.min_samples, name, value, error);
    if (strcmp(name, "top") == 0)
        return set_count(&options->settings.top_rows, name, value, error);
    if (strcmp(name, "require-same-env") == 0)
        return set_switch(&options->settings.needs_same_environment, name, value, error);
    if (strcmp(name, "format") == 0)
        return add_output(options, value, error);
    if (strcmp(name, "label") == 0)
        options->label = value;
    else if (strcmp(name, "phase") == 0)
        options->phase = value;
    else
        return error_set(error,
                         "'%.60s' is no setting; there are alpha, min-samples, top, baseline, require-same-env, "
                         "format, label and phase",
                         name);
    return true;
}

bool check_files_add(struct check_files *files, const char *path, struct error *error)
{
    enum { FIRST_CAPACITY = 64 };
    if (files->count == files->capacity) {
        uint64_t capacity = files->capacity == 0 ? FIRST_CAPACITY : files->capacity * 2;
        const char **grown = reallocarray(files->paths, capacity, sizeof *grown);
        if (grown == NULL)
            return error_set(error, "there is no memory for so many files");
        files->paths = grown;
        files->capacity = capacity;
    }
    files->paths[files->count++] = path;
    return true;
}

bool check_options_want(const struct check_options *options, const struct dump *dump)
{
    return (options->label == NULL || strcmp(dump->label, options->label) == 0) &&
           (options->phase == NULL || strcmp(dump->phase, options->phase) == 0);
}

/* ---- the command line ---- */

enum {
    OPTION_BASELINE = 256,
    OPTION_CURRENT,
    OPTION_CONFIG,
    OPTION_REQUIRE_SAME_ENV,
    OPTION_UPDATE_BASELINE,
    OPTION_SELF_TEST,
    OPTION_LIST,
    OPTION_RULE,                                     /* and the kind */
    OPTION_SETTING = OPTION_RULE + CHECK_KIND_COUNT, /* and more: whose names are the configuration's */
};

static const struct option OPTIONS[] = {COMMAND_OPTION_HELP,
                                        {"baseline", required_argument, NULL, OPTION_BASELINE},
                                        {"current", required_argument, NULL, OPTION_CURRENT},
                                        {"config", required_argument, NULL, OPTION_CONFIG},
                                        {"limit", required_argument, NULL, OPTION_RULE + CHECK_LIMIT},
                                        {"growth", required_argument, NULL, OPTION_RULE + CHECK_GROWTH},
                                        {"slope", required_argument, NULL, OPTION_RULE + CHECK_SLOPE},
                                        {"exact", required_argument, NULL, OPTION_RULE + CHECK_EXACT},
                                        {"alpha", required_argument, NULL, OPTION_SETTING},
                                        {"min-samples", required_argument, NULL, OPTION_SETTING + 1},
                                        {"top", required_argument, NULL, OPTION_SETTING + 2},
                                        {"format", required_argument, NULL, OPTION_SETTING + 3},
                                        {"label", required_argument, NULL, OPTION_SETTING + 4},
                                        {"phase", required_argument, NULL, OPTION_SETTING + 5},
                                        {"require-same-env", no_argument, NULL, OPTION_REQUIRE_SAME_ENV},
                                        {"update-baseline", required_argument, NULL, OPTION_UPDATE_BASELINE},
                                        {"self-test", no_argument, NULL, OPTION_SELF_TEST},
                                        {"list", no_argument, NULL, OPTION_LIST},
                                        {0}};

/* Files that follow --baseline or --current belong to it. What stands in a configuration goes when the command line
 * says the same: files of a side and formats add up within either, not over both. */
struct line {
    struct check_options *options;
    const char *subcommand;
    bool has_side;
    enum samples_side side;
    bool has_files[SAMPLES_SIDE_COUNT], has_format;
    struct error error;
};

static bool take_file(struct line *line, const char *path)
{
    if (!line->has_side)
        return error_set(&line->error, "'%s': say whether it is --baseline or --current", path);
    return check_files_add(&line->options->files[line->side], path, &line->error);
}

static bool begin_side(struct line *line, enum samples_side side, const char *path)
{
    if (!line->has_files[side])
        line->options->files[side].count = 0;
    line->has_files[side] = line->has_side = true;
    line->side = side;
    return take_file(line, path);
}

static bool take_setting(struct line *line, const char *name, const char *value)
{
    if (strcmp(name, "format") == 0 && !line->has_format) {
        line->options->outputs_count = 0;
        line->has_format = true;
    }
    return check_options_set(line->options, name, value, &line->error);
}

static const char *setting_name(int option)
{
    const struct option *at = OPTIONS;
    while (at->val != option)
        at++;
    return at->name;
}

static bool take_value(struct line *line, int option, const char *value)
{
    struct check_options *options = line->options;
    switch (option) {
    case 1:
        return take_file(line, value);
    case OPTION_BASELINE:
        return begin_side(line, SAMPLES_BASELINE, value);
    case OPTION_CURRENT:
        return begin_side(line, SAMPLES_CURRENT, value);
    case OPTION_CONFIG: /* was read first */
        return true;
    case OPTION_REQUIRE_SAME_ENV:
        options->settings.needs_same_environment = true;
        return true;
    case OPTION_UPDATE_BASELINE:
        options->update_baseline = value;
        return true;
    case OPTION_SELF_TEST:
        options->tests_itself = true;
        return true;
    case OPTION_LIST:
        options->lists_metrics = true;
        return true;
    default:
        if (option >= OPTION_SETTING)
            return take_setting(line, setting_name(option), value);
        return check_rules_add(&options->settings.rules, (enum check_kind)(option - OPTION_RULE), value, &line->error);
    }
}

static enum exit_code take_option(void *context, int option, const char *value)
{
    struct line *line = context;
    return take_value(line, option, value) ? EXIT_CODE_OK
                                           : command_refuse_use(line->subcommand, "%s", line->error.text);
}

/* The configuration comes first, wherever it is named. */
static enum exit_code take_config(void *context, int option, const char *value)
{
    struct line *line = context;
    if (option == OPTION_CONFIG)
        line->options->config = value;
    return EXIT_CODE_OK;
}

static enum exit_code read_config(struct check_options *options, const char *subcommand)
{
    struct error error;
    bool is_missing;
    if (options->config == NULL || check_config_read(options, options->config, &is_missing, &error))
        return EXIT_CODE_OK;
    command_complain(subcommand, options->config, &error);
    return is_missing ? EXIT_CODE_UNREADABLE : EXIT_CODE_WRONG_USE;
}

bool check_options_read(struct check_options *options, const char *subcommand, int argc, char **argv,
                        enum exit_code *code)
{
    *options = (struct check_options){
        .settings = {.alpha = ALPHA_DEFAULT, .min_samples = MIN_SAMPLES_DEFAULT, .top_rows = TOP_DEFAULT}};
    /* "-": what is no option comes as option 1, in its place. */
    struct command_syntax syntax = {
        .name = subcommand, .usage = USAGE, .shorts = "-:h", .longs = OPTIONS, .take = take_config};
    struct line line = {.options = options, .subcommand = subcommand};
    *code = EXIT_CODE_UNREADABLE;
    if (bump_open(&options->bump, TEXT_BYTES_MAX) != 0) {
        error_set(&line.error, "there is no memory; free some");
        command_complain(subcommand, "options", &line.error);
        return false;
    }
    options->settings.rules.bump = &options->bump;
    if (!command_read_options(&syntax, argc, argv, &line, code) ||
        (*code = read_config(options, subcommand)) != EXIT_CODE_OK)
        return false;
    syntax.take = take_option;
    if (!command_read_options(&syntax, argc, argv, &line, code))
        return false;
    if (optind < argc) /* behind "--" */
        *code = command_refuse_use(subcommand, "'%s' stands behind --; say whether it is --baseline or --current",
                                   argv[optind]);
    return *code == EXIT_CODE_OK;
}

void check_options_free(struct check_options *options)
{
    for (int side = 0; side < SAMPLES_SIDE_COUNT; side++)
        free(options->files[side].paths);
    check_rules_free(&options->settings.rules);
    bump_close(&options->bump);
    *options = (struct check_options){0};
}
