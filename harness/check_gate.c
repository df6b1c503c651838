/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a gate.
 */
#include "harness/check_gate.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/baseline.h"
#include "harness/check_list.h"
#include "harness/check_self_test.h"
#include "harness/dump_file.h"
#include "harness/output_file.h"

/* Address space for a result: the values of ten thousand samples under a rule for every metric are some 100 MB. */
#define RESULT_BYTES_MAX ((uint64_t)8 << 30)

struct gate {
    const struct check_options *options;
    const char *subcommand;
    FILE *out;
};

static enum exit_code fail(const struct gate *gate, const char *thing, const struct error *error)
{
    command_complain(gate->subcommand, thing, error);
    return EXIT_CODE_UNREADABLE;
}

/* ---- reading ---- */

static bool add_document(const struct gate *gate, struct samples *samples, enum samples_side side,
                         const json_t *document, struct error *error)
{
    struct dump dump;
    if (baseline_is_document(document))
        return side == SAMPLES_BASELINE ? baseline_read(samples, document, error)
                                        : error_set(error, "is a baseline; name the dumps to compare with it");
    if (!dump_read(&dump, document, error))
        return false;
    bool is_added = !check_options_want(gate->options, &dump) || samples_add_dump(samples, side, &dump, error);
    dump_free(&dump);
    return is_added;
}

static enum exit_code read_side(const struct gate *gate, struct samples *samples, enum samples_side side)
{
    /* Most of a dump, and nothing that a metric is made of. */
    static const char *const SKIPPED[] = {"events", "callsites", "maps", NULL};
    const struct check_files *files = &gate->options->files[side];
    for (uint64_t i = 0; i < files->count; i++) {
        struct error error;
        json_t *document = dump_file_parse(files->paths[i], SKIPPED, &error);
        bool is_added = document != NULL && add_document(gate, samples, side, document, &error);
        json_decref(document);
        if (!is_added)
            return fail(gate, files->paths[i], &error);
    }
    return EXIT_CODE_OK;
}

/* ---- writing ---- */

struct writing {
    const struct check_output *output;
    const struct check_result *result;
};

static bool write_result(FILE *out, void *context, struct error *error)
{
    const struct writing *writing = context;
    bool is_terminal = isatty(fileno(out));
    struct check_view view = {.width_columns = is_terminal ? command_output_columns() : UINT32_MAX,
                              .style = style_choose(is_terminal)};
    return writing->output->format->write(out, writing->result, &view, error);
}

static enum exit_code write_outputs(const struct gate *gate, const struct check_result *result)
{
    static struct check_output usual;
    struct error error;
    const struct check_options *options = gate->options;
    usual.format = check_format_find("text");
    const struct check_output *outputs = options->outputs_count == 0 ? &usual : options->outputs;
    uint32_t count = options->outputs_count == 0 ? 1 : options->outputs_count;
    for (uint32_t i = 0; i < count; i++) {
        const char *path = outputs[i].path == NULL || strcmp(outputs[i].path, "-") == 0 ? NULL : outputs[i].path;
        struct writing writing = {&outputs[i], result};
        bool is_written = path == NULL ? write_result(gate->out, &writing, &error)
                                       : output_file_write(path, write_result, &writing, true, &error);
        if (!is_written)
            return fail(gate, path == NULL ? "output" : path, &error);
    }
    const char *summary = getenv("GITHUB_STEP_SUMMARY");
    if (summary != NULL && summary[0] != '\0' && !check_github_append_summary(result, summary, &error))
        return fail(gate, summary, &error);
    return EXIT_CODE_OK;
}

/* ---- what there is to do ---- */

static bool write_baseline(FILE *out, void *context, struct error *error)
{
    return baseline_write(out, context, error);
}

static enum exit_code update_baseline(const struct gate *gate, struct samples *samples)
{
    struct error error;
    const char *path = gate->options->update_baseline;
    if (!samples_finish(samples, &error) || !output_file_write(path, write_baseline, samples, true, &error))
        return fail(gate, path, &error);
    command_tell(gate->subcommand, "%" PRIu64 " samples written to %s; commit it, and give it as --baseline",
                 samples->sides[SAMPLES_CURRENT].count, path);
    return EXIT_CODE_OK;
}

static enum exit_code code_of(enum check_verdict verdict)
{
    switch (verdict) {
    case CHECK_REGRESSION:
        return EXIT_CODE_REGRESSION;
    case CHECK_INCONCLUSIVE:
        return EXIT_CODE_INCONCLUSIVE;
    default:
        return EXIT_CODE_OK;
    }
}

static enum exit_code judge(const struct gate *gate, struct samples *samples)
{
    struct bump bump;
    struct error error;
    struct check_result result;
    if (bump_open(&bump, RESULT_BYTES_MAX) != 0) {
        error_set(&error, "there is no memory for a result");
        return fail(gate, "result", &error);
    }
    enum exit_code code = EXIT_CODE_UNREADABLE;
    switch (check_judge(&result, samples, &gate->options->settings, &bump, &error)) {
    case CHECK_JUDGED:
        code = write_outputs(gate, &result);
        if (code == EXIT_CODE_OK)
            code = code_of(result.verdict);
        break;
    case CHECK_REFUSED:
        code = command_refuse_use(gate->subcommand, "%s", error.text);
        break;
    case CHECK_NO_MEMORY:
        fail(gate, "samples", &error);
        break;
    }
    bump_close(&bump);
    return code;
}

static enum exit_code list_metrics(const struct gate *gate, struct samples *samples)
{
    struct error error;
    return check_list_write(gate->out, samples, &error) ? EXIT_CODE_OK : fail(gate, "samples", &error);
}

static enum exit_code run_on_samples(const struct gate *gate, struct samples *samples)
{
    const struct check_options *options = gate->options;
    enum exit_code code = EXIT_CODE_OK;
    if (options->update_baseline == NULL)
        code = read_side(gate, samples, SAMPLES_BASELINE);
    if (code == EXIT_CODE_OK)
        code = read_side(gate, samples, SAMPLES_CURRENT);
    if (code != EXIT_CODE_OK)
        return code;
    if (options->tests_itself)
        return check_self_test(gate->out, samples, &options->settings, gate->subcommand);
    if (samples->sides[SAMPLES_CURRENT].count == 0) {
        command_tell(gate->subcommand, "none of %" PRIu64 " dumps has the %s '%s'; see \"label\" and \"phase\" in them",
                     options->files[SAMPLES_CURRENT].count, options->label != NULL ? "label" : "phase",
                     options->label != NULL ? options->label : options->phase);
        return EXIT_CODE_INCONCLUSIVE;
    }
    if (options->lists_metrics)
        return list_metrics(gate, samples);
    return options->update_baseline != NULL ? update_baseline(gate, samples) : judge(gate, samples);
}

/* What cannot be meant. */
static enum exit_code refuse_nonsense(const struct check_options *options, const char *subcommand)
{
    bool judges = options->update_baseline == NULL && !options->lists_metrics && !options->tests_itself;
    if (options->files[SAMPLES_CURRENT].count == 0 && !options->tests_itself)
        return command_refuse_use(subcommand, "no dump was named; give --current DUMP...");
    if (judges && options->settings.rules.count == 0)
        return command_refuse_use(subcommand, "there is no rule; give --growth, --limit, --slope, --exact or --config");
    for (uint32_t i = 0; judges && i < options->settings.rules.count; i++) {
        const struct check_rule *rule = &options->settings.rules.rules[i];
        if ((rule->kind == CHECK_GROWTH || rule->kind == CHECK_EXACT) && options->files[SAMPLES_BASELINE].count == 0)
            return command_refuse_use(subcommand, "--%s %.100s needs something to compare with; give --baseline",
                                      check_kind_name(rule->kind), rule->pattern);
    }
    return EXIT_CODE_OK;
}

enum exit_code check_gate_run(const struct check_options *options, const char *subcommand, FILE *out)
{
    struct samples samples;
    struct error error;
    const struct gate gate = {options, subcommand, out};
    enum exit_code code = refuse_nonsense(options, subcommand);
    if (code != EXIT_CODE_OK)
        return code;
    if (!samples_open(&samples, &error))
        return fail(&gate, "samples", &error);
    code = run_on_samples(&gate, &samples);
    samples_close(&samples);
    return code;
}
