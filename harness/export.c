/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the dumps, has the format write them, puts the file in its place. All or nothing: where one dump cannot be
 * read, no file is written, because whoever reads it would take it for all of them.
 */
#include "harness/export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/command_options.h"
#include "harness/dump_events.h"
#include "harness/dump_file.h"
#include "harness/export_format.h"
#include "harness/output_file.h"
#include "harness/symbols_directories.h"

static const char NAME[] = "export";

enum { OPTION_SYMBOLS = 256, OPTION_EVENTS };

static const char USAGE_HEAD[] = "usage: gopagewatch export FORMAT DUMP... [-o FILE] [--symbols DIR] [--events FILE]\n"
                                 "\n"
                                 "Writes dumps in a format that other tools read. FORMAT is one of\n"
                                 "\n";

static const char USAGE_TAIL[] =
    "\n"
    "  -o, --output FILE   where to; default '-', standard output. A file of that name is replaced,\n"
    "                      as a whole: whoever reads it sees the old one or the new one.\n"
    "      --symbols DIR   look for the program and its libraries in DIR too, for the names of functions in\n"
    "                      stacks; can be given several times. Only a file with the build id of the dump\n"
    "                      is used\n"
    "      --events FILE   for perfetto: all memory calls, from the file that GOPAGEWATCH_EVENTS made the\n"
    "                      program write, in place of the last ones, which the newest dump has\n"
    "  -h, --help          this page\n"
    "\n"
    "examples:\n"
    "  gopagewatch export pprof gopagewatch.4711.1.json -o rss.pb.gz\n"
    "  go tool pprof -top rss.pb.gz\n"
    "  gopagewatch export prometheus gopagewatch.4711.1.json -o /var/lib/prometheus/node-exporter/shop.prom\n"
    "\n"
    "exit status: 0 all was written, 2 wrong use, 4 a dump cannot be read or the output cannot be written\n";

static void write_help(void)
{
    fputs(USAGE_HEAD, stdout);
    for (uint32_t i = 0; i < EXPORT_FORMATS_COUNT; i++)
        printf("  %-12s %s\n", EXPORT_FORMATS[i].name, EXPORT_FORMATS[i].summary);
    fputs(USAGE_TAIL, stdout);
}

static enum exit_code refuse_format(const char *given)
{
    char names[128] = "";
    size_t filled = 0;
    for (uint32_t i = 0; i < EXPORT_FORMATS_COUNT && filled < sizeof names; i++)
        filled +=
            (size_t)snprintf(names + filled, sizeof names - filled, "%s%s", i == 0 ? "" : ", ", EXPORT_FORMATS[i].name);
    if (given == NULL)
        return command_refuse_use(NAME, "no format was named (one of %s)", names);
    return command_refuse_use(NAME, "'%s' is no format (one of %s)", given, names);
}

/* ---- writing ---- */

/* What one run is about. `thing` is what failed, for the complaint. */
struct job {
    const struct export_format *format;
    char **paths;
    uint32_t paths_count;
    struct symbols_options symbols;
    const char *events_path; /* or NULL */
    FILE *out;
    const char *thing;
    struct error error;
};

static bool write_dumps(struct job *job, const struct dump *dumps, uint32_t count, struct events_file *events)
{
    struct export_input input = {.dumps = dumps, .dumps_count = count, .events = events, .symbols = job->symbols};
    return job->format->write(job->out, &input, &job->error);
}

/* To a person: the trace has these numbers too. */
static void tell_missing(const struct job *job, const struct events_file *events)
{
    uint64_t dropped = events->header.dropped + events->overtaken, lost = events->header.lost;
    if (dropped + lost > 0 && isatty(STDERR_FILENO))
        command_tell(NAME,
                     "%s: the first %" PRIu64 " calls were dropped (GOPAGEWATCH_EVENTS_SIZE was too small), %" PRIu64
                     " were lost",
                     job->events_path, dropped, lost);
}

static bool write_with_events(struct job *job, const struct dump *dumps, uint32_t count, uint32_t newest)
{
    struct events_file events;
    const char *thing = job->thing;
    if (job->events_path == NULL)
        return write_dumps(job, dumps, count, NULL);
    job->thing = job->events_path;
    if (!events_file_open(&events, job->events_path, &job->error))
        return false;
    bool is_written = events_file_belongs_to(&events, &dumps[newest], &job->error);
    if (is_written) {
        is_written = write_dumps(job, dumps, count, &events);
        job->thing = events.has_failed ? job->events_path : thing;
        if (is_written)
            tell_missing(job, &events);
    }
    events_file_close(&events);
    return is_written;
}

static bool write_dump_by_dump(struct job *job)
{
    for (uint32_t i = 0; i < job->paths_count; i++) {
        struct dump dump;
        job->thing = job->paths[i];
        if (!dump_load(&dump, job->paths[i], &job->error))
            return false;
        bool is_written = write_dumps(job, &dump, 1, NULL);
        dump_free(&dump);
        if (!is_written)
            return false;
    }
    return true;
}

/* Loads one more. Of the dumps of a time line only the newest keeps its events. */
static bool load_next(const struct job *job, struct dump *dumps, uint32_t loaded, uint32_t *newest, struct error *error)
{
    bool needs_events = job->format->has_events && job->events_path == NULL;
    if (!(needs_events ? dump_load_with_events : dump_load)(&dumps[loaded], job->paths[loaded], error))
        return false;
    bool is_newest = dumps[loaded].time.unix_ns >= dumps[*newest].time.unix_ns;
    if (loaded > 0)
        dump_events_drop(&dumps[is_newest ? *newest : loaded]);
    if (is_newest)
        *newest = loaded;
    return true;
}

static bool write_together(struct job *job)
{
    uint32_t loaded = 0, newest = 0;
    struct dump *dumps = calloc(job->paths_count, sizeof *dumps);
    job->thing = job->paths[0];
    if (dumps == NULL)
        return error_set(&job->error, "there is no memory for so many dumps; give fewer");
    while (loaded < job->paths_count && load_next(job, dumps, loaded, &newest, &job->error))
        loaded++;
    bool is_written = loaded == job->paths_count;
    job->thing = is_written ? job->format->name : job->paths[loaded];
    is_written = is_written && write_with_events(job, dumps, loaded, newest);
    while (loaded > 0)
        dump_free(&dumps[--loaded]);
    free(dumps);
    return is_written;
}

static bool write_all(struct job *job)
{
    return job->format->dumps == EXPORT_DUMPS_TOGETHER ? write_together(job) : write_dump_by_dump(job);
}

static enum exit_code fail(const char *thing, const struct error *error)
{
    command_complain(NAME, thing, error);
    return EXIT_CODE_UNREADABLE;
}

/* To a person only: a timer that writes metrics each minute has nothing to read here. */
static void tell_written(const struct export_format *format, const char *path)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (format->next != NULL)
        command_tell(NAME, "%s written; next: %s %s", path, format->next, path);
    else
        command_tell(NAME, "%s written", path);
}

static bool write_to(FILE *out, void *context, struct error *error)
{
    struct job *job = context;
    job->out = out;
    bool is_written = write_all(job);
    *error = job->error;
    if (is_written)
        job->thing = NULL; /* what fails from now on is the file */
    return is_written;
}

static enum exit_code export_to_file(struct job *job, const char *path)
{
    struct error error;
    if (!output_file_write(path, write_to, job, job->format->is_for_all, &error))
        return fail(job->thing != NULL ? job->thing : path, &error);
    tell_written(job->format, path);
    return EXIT_CODE_OK;
}

static enum exit_code export_to_stdout(struct job *job)
{
    job->out = stdout;
    return write_all(job) ? EXIT_CODE_OK : fail(job->thing, &job->error);
}

/* ---- the subcommand ---- */

struct request {
    const char *path, *events_path;
    struct symbols_directories directories;
};

static enum exit_code take_option(void *context, int option, const char *value)
{
    struct request *request = context;
    struct error error;
    switch (option) {
    case 'o':
        request->path = value;
        return EXIT_CODE_OK;
    case OPTION_EVENTS:
        request->events_path = value;
        return EXIT_CODE_OK;
    default: /* OPTION_SYMBOLS */
        return symbols_directories_add(&request->directories, value, &error) ? EXIT_CODE_OK : fail(value, &error);
    }
}

enum exit_code export_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {COMMAND_OPTION_HELP,
                                            {"output", required_argument, NULL, 'o'},
                                            {"symbols", required_argument, NULL, OPTION_SYMBOLS},
                                            {"events", required_argument, NULL, OPTION_EVENTS},
                                            {0}};
    static const struct command_syntax SYNTAX = {
        .name = NAME, .write_help = write_help, .shorts = ":ho:", .longs = OPTIONS, .take = take_option};
    struct request request = {.path = "-"};
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, &request, &code))
        return code;
    if (optind == argc)
        return refuse_format(NULL);
    struct job job = {.format = export_format_find(argv[optind]),
                      .paths = argv + optind + 1,
                      .paths_count = (uint32_t)(argc - optind - 1),
                      .symbols = symbols_directories_options(&request.directories),
                      .events_path = request.events_path};
    bool is_to_stdout = request.path[0] == '-' && request.path[1] == '\0';
    if (job.format == NULL)
        return refuse_format(argv[optind]);
    if (request.directories.count > 0 && !job.format->has_stacks)
        return command_refuse_use(NAME, "%s has no stacks, so --symbols is of no use to it", job.format->name);
    if (request.events_path != NULL && !job.format->has_events)
        return command_refuse_use(NAME, "%s has no calls, so --events is of no use to it", job.format->name);
    if (job.paths_count == 0)
        return command_refuse_use(NAME, "no dump was named");
    if (job.format->dumps == EXPORT_ONE_DUMP && job.paths_count > 1)
        return command_refuse_use(NAME, "%s takes one dump at a time, not '%s' as well%s", job.format->name,
                                  job.paths[1], job.format->is_binary ? " (pprof -diff_base compares two)" : "");
    if (job.format->is_binary && is_to_stdout && isatty(STDOUT_FILENO))
        return command_refuse_use(NAME, "%s is nothing for a terminal; name a file with -o FILE", job.format->name);
    return is_to_stdout ? export_to_stdout(&job) : export_to_file(&job, request.path);
}
