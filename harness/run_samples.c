/* SPDX-License-Identifier: Apache-2.0
 *
 * Run by run, and what counts of each.
 */
#include "harness/run_samples.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/check_gate.h"
#include "harness/child.h"
#include "harness/control_page.h"
#include "harness/dump_file.h"
#include "harness/launch.h"
#include "harness/sample_files.h"
#include "harness/settle.h"
#include "memory/units.h"

static const char NAME[] = "run";

#define NS_PER_SECOND 1000000000ull
/* How long a program may take to end when it is asked to, and the shim to make a dump. */
#define PATIENCE_NS (10 * NS_PER_SECOND)
#define DUMP_NS (30 * NS_PER_SECOND)
/* How long the Go runtime may take to begin, and how often that is looked for. */
#define BEGIN_NS (10 * NS_PER_SECOND)
#define BEGIN_INTERVAL_NS (NS_PER_SECOND / 100)

/* Exit codes of shells for what is no status of a program. */
enum { CODE_OF_SIGNAL = 128 };

struct sampling {
    const struct run_plan *plan;
    struct launch launch;
    char **command;
    struct sample_files files;
    struct check_files paths; /* of all samples */
    uint32_t run;             /* from 1 */
    struct child child;
    char at_rest[PATH_MAX]; /* the dump that was asked for in this run, or "" */
    bool has_failed;        /* there is none because it could not be made: none at exit stands in for it */
    bool was_ended;         /* by us: its status says nothing */
};

/* What ends the sampling: a code, -1: nothing, go on. */
enum { GO_ON = -1 };

static int fail(const char *thing, const struct error *error)
{
    command_complain(NAME, thing, error);
    return EXIT_CODE_UNREADABLE;
}

/* ---- one run ---- */

static bool open_page(struct sampling *sampling, struct control_page *page, struct error *error)
{
    uint64_t end_ns = child_now_ns() + BEGIN_NS;
    while (!control_page_open(page, sampling->child.pid, error)) {
        uint64_t now_ns = child_now_ns();
        if (now_ns >= end_ns || sampling->child.has_ended)
            return false;
        child_wait(&sampling->child, -1, now_ns + BEGIN_INTERVAL_NS);
    }
    return true;
}

/* Waits for rest, has a dump made, and ends the program. It may end by itself meanwhile. */
static void sample_at_rest(struct sampling *sampling)
{
    struct control_page page;
    struct control_answer answer;
    struct error error;
    struct child *child = &sampling->child;
    if (!open_page(sampling, &page, &error)) {
        sampling->has_failed = !child->has_ended;
        if (sampling->has_failed)
            command_tell(NAME, "run %" PRIu32 ": %s", sampling->run, error.text);
    } else {
        struct settle_outcome outcome = settle_process(child->pid, &page, sampling->plan->settle_ns);
        if (outcome.end == SETTLE_TIMED_OUT)
            command_tell(NAME, "run %" PRIu32 ": not at rest in time; sampled all the same", sampling->run);
        if (outcome.end != SETTLE_ENDED) {
            if (control_page_ask(&page, "", DUMP_NS, &answer, &error)) {
                snprintf(sampling->at_rest, sizeof sampling->at_rest, "%s", answer.path);
            } else {
                child_wait(child, -1, 0);
                sampling->has_failed = !child->has_ended;
                if (sampling->has_failed)
                    command_tell(NAME, "run %" PRIu32 ": %s", sampling->run, error.text);
            }
        }
        control_page_close(&page);
    }
    child_wait(child, -1, 0);
    sampling->was_ended = !child->has_ended;
    child_end(child, PATIENCE_NS);
}

/* Until it ends, or has left enough dumps. */
static int sample_series(struct sampling *sampling)
{
    struct child *child = &sampling->child;
    struct error error;
    for (;;) {
        uint64_t count = 0;
        child_wait(child, sampling->plan->samples == 0 ? -1 : sampling->files.events, UINT64_MAX);
        if (child->has_ended)
            return GO_ON;
        sample_files_take_events(&sampling->files);
        struct sample_file *found;
        bool is_listed = sample_files_of_run(&sampling->files, sampling->run, child->pid, &found, &count, &error);
        free(found);
        if (!is_listed || count >= sampling->plan->samples) {
            sampling->was_ended = true;
            child_end(child, PATIENCE_NS);
            return is_listed ? GO_ON : fail(sampling->launch.program, &error);
        }
    }
}

/* The program's own status, when it failed: nothing is judged then. */
static int refuse_status(const struct sampling *sampling)
{
    int status = sampling->child.status;
    if (child_stop_signal() != 0)
        return CODE_OF_SIGNAL + child_stop_signal();
    if (sampling->was_ended || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return GO_ON;
    if (WIFEXITED(status))
        command_tell(NAME, "%s ended with status %d in run %" PRIu32 "; nothing was judged", sampling->launch.program,
                     WEXITSTATUS(status), sampling->run);
    else
        command_tell(NAME, "%s was ended by signal %d (%s) in run %" PRIu32 "; nothing was judged",
                     sampling->launch.program, WTERMSIG(status), strsignal(WTERMSIG(status)), sampling->run);
    return WIFEXITED(status) ? WEXITSTATUS(status) : CODE_OF_SIGNAL + WTERMSIG(status);
}

static int run_once(struct sampling *sampling)
{
    struct error error;
    char pattern[PATH_MAX];
    int code = GO_ON;
    sampling->at_rest[0] = '\0';
    sampling->has_failed = sampling->was_ended = false;
    if (!sample_files_pattern(&sampling->files, sampling->run, pattern, &error))
        return fail(sampling->files.directory, &error);
    if (!launch_set_option("OUT", pattern, &error) || !launch_set_option("AT_EXIT", "1", &error) ||
        !child_start(&sampling->child, sampling->launch.program, sampling->command, &error))
        return fail(sampling->launch.program, &error);
    if (sampling->plan->is_series)
        code = sample_series(sampling);
    else if (sampling->plan->settle_ns > 0)
        sample_at_rest(sampling);
    child_wait(&sampling->child, -1, UINT64_MAX);
    return code == GO_ON ? refuse_status(sampling) : code;
}

/* ---- what counts of it ---- */

static bool add_path(struct sampling *sampling, const char *path, struct error *error)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return error_set(error, "there is no memory for the names of so many dumps");
    /* run_samples frees them, which the checker does not see. */
    if (check_files_add(&sampling->paths, copy, error))
        return true; // NOLINT(clang-analyzer-unix.Malloc)
    free(copy);
    return false;
}

/* Whether dumps count by their label or phase. */
static bool selects(const struct run_plan *plan)
{
    return plan->check != NULL && (plan->check->label != NULL || plan->check->phase != NULL);
}

/* Keeps those with the wanted label and phase. False: one of them cannot be read. */
static bool select_wanted(const struct sampling *sampling, struct sample_file *found, uint64_t *count,
                          struct error *error)
{
    const struct check_options *check = sampling->plan->check;
    uint64_t kept = 0;
    if (!selects(sampling->plan))
        return true;
    for (uint64_t i = 0; i < *count; i++) {
        struct dump dump;
        if (!dump_load(&dump, found[i].path, error))
            return false;
        bool is_wanted = check_options_want(check, &dump);
        dump_free(&dump);
        if (is_wanted)
            found[kept++] = found[i];
    }
    *count = kept;
    return true;
}

static bool add_samples(struct sampling *sampling, struct error *error)
{
    const struct run_plan *plan = sampling->plan;
    uint64_t count;
    if (sampling->at_rest[0] != '\0')
        return add_path(sampling, sampling->at_rest, error);
    if (sampling->has_failed && !selects(plan))
        return error_set(error, "left no dump at rest in run %" PRIu32 "; see the message above", sampling->run);
    struct sample_file *found;
    if (!sample_files_of_run(&sampling->files, sampling->run, sampling->child.pid, &found, &count, error))
        return false;
    bool is_added = select_wanted(sampling, found, &count, error);
    if (is_added && count == 0)
        is_added = error_set(error, "left no dump in run %" PRIu32 "%s; see its messages above", sampling->run,
                             selects(plan) ? " with that label and phase" : "");
    /* Of a single run all that it made on purpose count, and the whole of a series. */
    bool counts_all = plan->is_series || (plan->samples == 1 && selects(plan));
    /* Of a series one more may have been made before it was ended. */
    if (plan->is_series && plan->samples != 0)
        count = min_u64(count, plan->samples);
    for (uint64_t i = counts_all ? 0 : count - 1; is_added && i < count; i++)
        is_added = add_path(sampling, found[i].path, error);
    free(found);
    return is_added;
}

static int sample_all(struct sampling *sampling)
{
    uint32_t runs = sampling->plan->is_series ? 1 : sampling->plan->samples;
    for (sampling->run = 1; sampling->run <= runs; sampling->run++) {
        struct error error;
        if (isatty(STDERR_FILENO) && runs > 1)
            command_tell(NAME, "run %" PRIu32 " of %" PRIu32, sampling->run, runs);
        int code = run_once(sampling);
        if (code != GO_ON)
            return code;
        if (!add_samples(sampling, &error))
            return fail(sampling->launch.program, &error);
    }
    return GO_ON;
}

/* ---- all of it ---- */

static int judge(const struct sampling *sampling)
{
    struct check_options *check = sampling->plan->check;
    struct error error;
    if (sampling->plan->keep != NULL)
        command_tell(NAME, "%" PRIu64 " samples in %s", sampling->paths.count, sampling->files.directory);
    if (check == NULL)
        return EXIT_CODE_OK;
    check->files[SAMPLES_CURRENT].count = 0;
    for (uint64_t i = 0; i < sampling->paths.count; i++) {
        if (!check_files_add(&check->files[SAMPLES_CURRENT], sampling->paths.paths[i], &error))
            return fail("samples", &error);
    }
    return check_gate_run(check, NAME, stderr);
}

int run_samples(const struct run_plan *plan, char **command)
{
    struct sampling sampling = {.plan = plan, .command = command};
    struct error error;
    if (!launch_prepare(&sampling.launch, command[0], &error))
        return fail(sampling.launch.thing, &error);
    if (!sample_files_open(&sampling.files, plan->keep, &error))
        return fail(plan->keep != NULL ? plan->keep : "temporary directory", &error);
    int code = sample_all(&sampling);
    if (code == GO_ON)
        code = judge(&sampling);
    sample_files_close(&sampling.files);
    for (uint64_t i = 0; i < sampling.paths.count; i++)
        free((char *)sampling.paths.paths[i]);
    free(sampling.paths.paths);
    return code;
}
