/* SPDX-License-Identifier: Apache-2.0
 *
 * What a gate is told: options of `gopagewatch check`, the same behind `gopagewatch run --check`, and gopagewatch.ini.
 */
#ifndef GPW_HARNESS_CHECK_OPTIONS_H
#define GPW_HARNESS_CHECK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/check_format.h"
#include "harness/check_judge.h"
#include "harness/command.h"
#include "harness/dump.h"
#include "harness/samples.h"
#include "memory/bump.h"

enum { CHECK_OUTPUTS_MAX = 16 };

struct check_output {
    const struct check_format *format;
    const char *path; /* NULL: standard output */
};

struct check_files {
    const char **paths;
    uint64_t count, capacity;
};

struct check_options {
    struct check_settings settings;
    struct check_files files[SAMPLES_SIDE_COUNT];
    const char *label, *phase; /* only such dumps count; NULL: all */
    struct check_output outputs[CHECK_OUTPUTS_MAX];
    uint32_t outputs_count;
    const char *config;
    const char *update_baseline; /* where to; NULL: no */
    bool tests_itself, lists_metrics;
    struct bump bump; /* holds what came from the configuration */
};

/* Reads them, the configuration first. `subcommand` complains. False: it ends with `code`, the page was shown, or what
 * is wrong was said. For check_options_free in any case. */
bool check_options_read(struct check_options *options, const char *subcommand, int argc, char **argv,
                        enum exit_code *code);
void check_options_free(struct check_options *options);

/* Whether a dump has the label and the phase that are asked for. */
bool check_options_want(const struct check_options *options, const struct dump *dump);

/* For the reader of a configuration; `name` without dashes. False: `error` names what is accepted. */
bool check_options_set(struct check_options *options, const char *name, const char *value, struct error *error);
/* A list of paths grows; they stay the caller's. */
bool check_files_add(struct check_files *files, const char *path, struct error *error);

#endif
