/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets the shim's variables and becomes the program: same process, same descriptors, its exit status. With --samples or
 * --check it stays behind instead, to sample the program (run_samples.c).
 */
#include "harness/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/arguments.h"
#include "harness/command_options.h"
#include "harness/launch.h"
#include "harness/run_samples.h"
#include "harness/run_watch.h"
#include "memory/quantity.h"

static const char NAME[] = "run";

static const char USAGE[] =
    "usage: gopagewatch run [OPTION...] [--] CMD [ARG...]\n"
    "       gopagewatch run [OPTION...] --check CHECK-OPTION... -- CMD [ARG...]\n"
    "\n"
    "Runs a Go program built with cgo (or one that imports net or os/user) under the shim. It behaves\n"
    "as without; ask for a dump by 'gopagewatch dump PID' or 'kill -USR2 PID'.\n"
    "\n"
    "  -o, --output PATTERN  path of a dump: %p pid, %n number, %e program, %h host, %t time, %l label;\n"
    "                        default gopagewatch.%p.%n.json. Its directory has to be there\n"
    "      --every TIME      a dump every so often (500ms, 30s, 5m, 1h)\n"
    "      --at-exit         a dump when the program ends by itself\n"
    "      --when-rss SIZE   a dump when the resident memory passes SIZE (512MiB, 2GiB); again when it\n"
    "                        was a tenth below meanwhile\n"
    "      --watch VAR       every dump tells what the Go map VAR costs ('gopagewatch help map' tells\n"
    "                        how VAR is written; 'main.*' are all of a package). Several times: several\n"
    "                        maps\n"
    "      --symbols DIR     look for the debug information that --watch needs in DIR too\n"
    "      --events PATTERN  streams all memory calls to a file, for 'gopagewatch export perfetto --events':\n"
    "                        %p pid, %e program, %h host, %t time\n"
    "      --events-size SIZE\n"
    "                        how large that file becomes (default 64MiB); then the oldest calls are dropped\n"
    "      --signal NAME     the signal that asks for a dump, or none; default USR2\n"
    "\n"
    "Sampling for the CI gate (gopagewatch check):\n"
    "      --check           what stands up to -- are options of 'gopagewatch check'; CMD is run,\n"
    "                        sampled and judged, and the verdict is the exit status\n"
    "      --samples N       runs CMD N times; the dump at the end of each is a sample. With --every:\n"
    "                        one run, which is ended after N dumps\n"
    "      --settle TIME     samples as soon as CMD is at rest, after TIME at most, and ends it then:\n"
    "                        for programs that do not end by themselves\n"
    "      --keep DIR        puts the dumps there (an empty directory, or a new one)\n"
    "\n"
    "  -h, --help            this page\n"
    "\n"
    "example:\n"
    "  gopagewatch run --when-rss 2GiB --at-exit -- ./app --port 8080\n"
    "  gopagewatch run --watch main.cache --every 1m -- ./app\n"
    "  gopagewatch run --samples 6 --check --baseline ci/memory.json --growth rss.total=5%,8MiB -- ./app\n"
    "\n"
    "exit status: that of CMD; 2 wrong use, 4 CMD cannot be run under the shim (the reason is said).\n"
    "With --check that of 'gopagewatch check', or that of CMD when it failed\n";

enum {
    OPTION_EVERY = 256,
    OPTION_AT_EXIT,
    OPTION_WHEN_RSS,
    OPTION_EVENTS,
    OPTION_EVENTS_SIZE,
    OPTION_SIGNAL,
    OPTION_CHECK,
    OPTION_SAMPLES,
    OPTION_SETTLE,
    OPTION_KEEP,
    OPTION_WATCH,
    OPTION_SYMBOLS
};

/* What was asked for. */
struct request {
    struct run_plan plan;
    bool has_output, has_trigger, wants_check;
    struct check_options check;
    struct run_watch watch;
};

/* Puts the variable into the environment. */
static enum exit_code set_variable(const char *option, const char *name, const char *value)
{
    struct error error;
    return launch_set_option(name, value, &error) ? EXIT_CODE_OK
                                                  : command_refuse_use(NAME, "%s %s", option, error.text);
}

static enum exit_code set_count(uint32_t *count, const char *value)
{
    return argument_read_count(value, count)
               ? EXIT_CODE_OK
               : command_refuse_use(NAME, "--samples takes a whole number from 1 on, not '%s'", value);
}

static enum exit_code set_settle(uint64_t *ns, const char *value)
{
    return quantity_time_ns(value, ns) && *ns > 0
               ? EXIT_CODE_OK
               : command_refuse_use(NAME, "--settle '%s': give 500ms, 30s or 5m", value);
}

static enum exit_code add_watch(struct run_watch *watch, const char *value)
{
    struct error error;
    return run_watch_add(watch, value, &error) ? EXIT_CODE_OK : command_refuse_use(NAME, "--watch %s", error.text);
}

static enum exit_code add_symbols(struct request *request, const char *value)
{
    struct error error;
    if (symbols_directories_add(&request->watch.symbols, value, &error))
        return EXIT_CODE_OK;
    command_complain(NAME, value, &error);
    return EXIT_CODE_UNREADABLE;
}

static enum exit_code take_option(void *context, int option, const char *value)
{
    struct request *request = context;
    switch (option) {
    case 'o':
        request->has_output = true;
        return set_variable("--output", "OUT", value);
    case OPTION_EVERY:
        request->has_trigger = true;
        request->plan.is_series = true;
        return set_variable("--every", "EVERY", value);
    case OPTION_AT_EXIT:
        request->has_trigger = true;
        return set_variable("--at-exit", "AT_EXIT", "1");
    case OPTION_WHEN_RSS:
        request->has_trigger = true;
        return set_variable("--when-rss", "RSS", value);
    case OPTION_EVENTS:
        return set_variable("--events", "EVENTS", value);
    case OPTION_EVENTS_SIZE:
        return set_variable("--events-size", "EVENTS_SIZE", value);
    case OPTION_SIGNAL:
        return set_variable("--signal", "SIGNAL", value);
    case OPTION_SAMPLES:
        return set_count(&request->plan.samples, value);
    case OPTION_SETTLE:
        return set_settle(&request->plan.settle_ns, value);
    case OPTION_KEEP:
        request->plan.keep = value;
        return EXIT_CODE_OK;
    case OPTION_WATCH:
        return add_watch(&request->watch, value);
    case OPTION_SYMBOLS:
        return add_symbols(request, value);
    default: /* OPTION_CHECK */
        request->wants_check = true;
        return EXIT_CODE_OK;
    }
}

/* What every dump is to tell about, in the environment. */
static enum exit_code watch(const struct request *request, const char *program)
{
    struct error error;
    const char *thing;
    uint64_t left_out;
    if (!run_watch_set(&request->watch, program, &thing, &left_out, &error)) {
        command_complain(NAME, thing, &error);
        return EXIT_CODE_UNREADABLE;
    }
    if (left_out > 0)
        command_tell(NAME, "%s: %" PRIu64 " more maps are not watched, %d are at most; name fewer", thing, left_out,
                     MAP_PATHS_MAX);
    return EXIT_CODE_OK;
}

/* Dumps that come of themselves come when nobody is there to be told, so it is told before; and whether there is room
 * for them, because the program would end without any. */
static enum exit_code tell_output(const struct request *request)
{
    struct error error;
    char files[PATH_MAX];
    const char *pattern;
    size_t filled = 0;
    if (!request->has_trigger && !request->has_output)
        return EXIT_CODE_OK;
    if (!launch_check_output(&pattern, &error)) {
        command_complain(NAME, pattern, &error);
        return EXIT_CODE_UNREADABLE;
    }
    if (!request->has_trigger)
        return EXIT_CODE_OK;
    for (const char *at = pattern; *at != '\0' && filled + 1 < sizeof files; at++) {
        bool is_variable = *at == '%' && at[1] != '\0';
        files[filled++] = (char)(is_variable ? '*' : *at);
        at += is_variable;
    }
    files[filled] = '\0';
    command_tell(NAME, "dumps go to %s; next: gopagewatch report %s", pattern, files);
    return EXIT_CODE_OK;
}

/* Becomes the program. */
static enum exit_code start(const struct request *request, char **command)
{
    struct error error;
    enum exit_code code = watch(request, command[0]);
    if (code != EXIT_CODE_OK)
        return code;
    struct launch launch;
    if (launch_prepare(&launch, command[0], &error)) {
        code = tell_output(request);
        if (code != EXIT_CODE_OK)
            return code;
        execv(launch.program, command);
        error_set(&error, "cannot be started: %s", strerror(errno));
    }
    command_complain(NAME, launch.thing, &error);
    return EXIT_CODE_UNREADABLE;
}

/* What makes no sense together. */
static enum exit_code refuse_mixture(const struct request *request)
{
    const struct run_plan *plan = &request->plan;
    if (request->has_output)
        return command_refuse_use(NAME, "--output has no place in sampling; --keep DIR keeps the dumps");
    if (plan->check == NULL && plan->keep == NULL)
        return command_refuse_use(NAME, "samples are for --check, or to be kept with --keep DIR");
    if (plan->is_series && plan->settle_ns > 0)
        return command_refuse_use(NAME, "--every and --settle are two ways to sample; give one of them");
    return EXIT_CODE_OK;
}

static enum exit_code sample(struct request *request, char **command)
{
    enum exit_code code = refuse_mixture(request);
    if (code == EXIT_CODE_OK)
        code = watch(request, command[0]);
    if (code != EXIT_CODE_OK)
        return code;
    if (request->plan.samples == 0 && !request->plan.is_series)
        request->plan.samples = 1;
    return (enum exit_code)run_samples(&request->plan, command);
}

/* `argv` from --check on: options of check up to "--", then CMD. */
static enum exit_code run_check(struct request *request, int argc, char **argv)
{
    enum exit_code code;
    int count = 1;
    while (count < argc && strcmp(argv[count], "--") != 0)
        count++;
    if (count + 1 >= argc)
        return command_refuse_use(NAME, "behind the options of --check stands '--', and CMD behind that");
    if (check_options_read(&request->check, NAME, count, argv, &code)) {
        request->plan.check = &request->check;
        if (request->check.files[SAMPLES_CURRENT].count > 0)
            code = command_refuse_use(NAME, "--current has no place behind run --check: it is what CMD leaves");
        else
            code = sample(request, argv + count + 1);
    }
    check_options_free(&request->check);
    return code;
}

enum exit_code run_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {COMMAND_OPTION_HELP,
                                            {"output", required_argument, NULL, 'o'},
                                            {"every", required_argument, NULL, OPTION_EVERY},
                                            {"at-exit", no_argument, NULL, OPTION_AT_EXIT},
                                            {"when-rss", required_argument, NULL, OPTION_WHEN_RSS},
                                            {"events", required_argument, NULL, OPTION_EVENTS},
                                            {"events-size", required_argument, NULL, OPTION_EVENTS_SIZE},
                                            {"signal", required_argument, NULL, OPTION_SIGNAL},
                                            {"check", no_argument, NULL, OPTION_CHECK},
                                            {"samples", required_argument, NULL, OPTION_SAMPLES},
                                            {"settle", required_argument, NULL, OPTION_SETTLE},
                                            {"keep", required_argument, NULL, OPTION_KEEP},
                                            {"watch", required_argument, NULL, OPTION_WATCH},
                                            {"symbols", required_argument, NULL, OPTION_SYMBOLS},
                                            {0}};
    /* "+": what stands behind CMD is CMD's, and behind --check check's. */
    static const struct command_syntax SYNTAX = {
        .name = NAME, .usage = USAGE, .shorts = "+:ho:", .longs = OPTIONS, .take = take_option, .last = OPTION_CHECK};
    struct request request = {0};
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, &request, &code))
        return code;
    if (request.wants_check)
        return run_check(&request, argc - optind + 1, argv + optind - 1);
    if (optind == argc)
        return command_refuse_use(NAME, "no program was named");
    if (request.plan.samples > 0 || request.plan.settle_ns > 0 || request.plan.keep != NULL)
        return sample(&request, argv + optind);
    return start(&request, argv + optind);
}
