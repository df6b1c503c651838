/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes of the bench.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static char library_path[4096], command_path[4096]; /* beside it */

static _Noreturn void give_up(const char *what, const char *thing)
{
    fprintf(stderr, "bench: %s: %s (%s)\n", thing, what, strerror(errno));
    exit(1);
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void run_open(const char *library)
{
    if (realpath(library, library_path) == NULL)
        give_up("not found", library);
    const char *slash = strrchr(library_path, '/');
    snprintf(command_path, sizeof command_path, "%.*s/gopagewatch", (int)(slash - library_path), library_path);
}

struct child {
    pid_t pid;
    FILE *input, *output; /* NULL: not connected */
};

static void start(struct child *child, char **command, bool with_shim, bool is_connected)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (is_connected) {
        if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
            give_up("no pipe", command[0]);
        posix_spawn_file_actions_adddup2(&actions, in[0], 0);
        posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    } else {
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    }
    if (with_shim)
        setenv("LD_PRELOAD", library_path, 1);
    else
        unsetenv("LD_PRELOAD");
    errno = posix_spawn(&child->pid, command[0], &actions, NULL, command, environ);
    if (errno != 0)
        give_up("cannot be started", command[0]);
    unsetenv("LD_PRELOAD");
    posix_spawn_file_actions_destroy(&actions);
    child->input = child->output = NULL;
    if (is_connected) {
        close(in[0]);
        close(out[1]);
        child->input = fdopen(in[1], "w");
        child->output = fdopen(out[0], "r");
    }
}

static void finish(struct child *child, const char *name)
{
    int status;
    if (child->input != NULL)
        fclose(child->input);
    if (waitpid(child->pid, &status, 0) != child->pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        give_up("did not end well", name);
    if (child->output != NULL)
        fclose(child->output);
}

double run_and_time(char **command, bool with_shim)
{
    struct child child;
    double begin = now_seconds();
    start(&child, command, with_shim, false);
    finish(&child, command[0]);
    return now_seconds() - begin;
}

/* The number behind `key` in the next line that has it. */
static uint64_t read_number(struct child *child, const char *key, const char *name)
{
    char line[4096];
    while (fgets(line, sizeof line, child->output) != NULL) {
        const char *found = strstr(line, key);
        if (found != NULL)
            return strtoull(found + strlen(key), NULL, 10);
    }
    give_up(key, name);
}

double run_and_read_seconds(char **command, bool with_shim)
{
    struct child child;
    start(&child, command, with_shim, true);
    double seconds = (double)read_number(&child, "elapsed_ns=", command[0]) / 1e9;
    finish(&child, command[0]);
    return seconds;
}

static uint64_t number_at(const json_t *dump, const char *a, const char *b, const char *c, const char *d)
{
    const json_t *value = json_object_get(json_object_get(dump, a), b);
    if (c != NULL)
        value = json_object_get(json_object_get(value, c), d);
    if (!json_is_integer(value))
        give_up("the dump has no such number", c == NULL ? b : d);
    return (uint64_t)json_integer_value(value);
}

static json_t *load_dump(const char *path)
{
    json_error_t error;
    json_t *dump = json_load_file(path, 0, &error);
    if (dump == NULL)
        give_up(error.text, path);
    return dump;
}

static void read_dump(const char *path, struct dump_figures *figures)
{
    json_t *dump = load_dump(path);
    figures->resident_bytes = number_at(dump, "rss", "total", NULL, NULL);
    figures->shim_resident_bytes = number_at(dump, "rss", "classes", "shim", "resident");
    figures->walk_seconds = (double)number_at(dump, "books", "goruntime", "counters", "walk_ns") / 1e9;
    figures->join_seconds = (double)number_at(dump, "books", "pagemap", "counters", "join_ns") / 1e9;
    figures->arenas_bytes = figures->objects = 0;
    size_t i;
    const json_t *row, *go = json_object_get(dump, "go");
    json_array_foreach(json_object_get(go, "arenas"), i, row) figures->arenas_bytes +=
        (uint64_t)json_integer_value(json_object_get(row, "bytes"));
    json_array_foreach(json_object_get(go, "heaps"), i, row) figures->objects +=
        (uint64_t)json_integer_value(json_object_get(row, "objects"));
    json_decref(dump);
}

/* A directory that dumps go to, and that is gone afterwards. */
#define DUMP_NAME "dump.json"

struct place {
    char directory[32], path[48];
    int watch;
};

static void open_place(struct place *place)
{
    strcpy(place->directory, "/tmp/gopagewatch-bench.XXXXXX");
    if (mkdtemp(place->directory) == NULL)
        give_up("cannot be made", place->directory);
    snprintf(place->path, sizeof place->path, "%s/" DUMP_NAME, place->directory);
    place->watch = inotify_init1(IN_CLOEXEC);
    if (place->watch < 0 || inotify_add_watch(place->watch, place->directory, IN_CREATE | IN_MOVED_TO) < 0)
        give_up("cannot be watched", place->directory);
    setenv("GOPAGEWATCH_OUT", place->path, 1);
}

static void close_place(struct place *place)
{
    close(place->watch);
    unlink(place->path);
    rmdir(place->directory);
}

/* A dump gets its name by a link, or by a rename where one is there already. */
static bool names_dump(const char *events, ssize_t bytes)
{
    for (ssize_t at = 0; at < bytes;) {
        const struct inotify_event *event = (const struct inotify_event *)(events + at);
        if (strcmp(event->name, DUMP_NAME) == 0)
            return true;
        at += (ssize_t)(sizeof *event + event->len);
    }
    return false;
}

static void await_dump(const struct place *place)
{
    char events[4096] __attribute__((aligned(8)));
    struct pollfd waited = {.fd = place->watch, .events = POLLIN};
    ssize_t bytes;
    do {
        if (poll(&waited, 1, 60000) != 1 || (bytes = read(place->watch, events, sizeof events)) <= 0)
            give_up("no dump within a minute", place->path);
    } while (!names_dump(events, bytes));
}

static void tell(struct child *child, const char *line)
{
    fputs(line, child->input);
    fflush(child->input);
}

void measure_dumps(char **command, struct dump_figures *figures, int rounds)
{
    struct child child;
    struct place place;
    open_place(&place);
    start(&child, command, true, true);
    read_number(&child, "ready", command[0]);
    for (int i = 0; i < rounds; i++) {
        tell(&child, "scan\n");
        figures[i].scan_seconds = (double)read_number(&child, "scan_ns=", command[0]) / 1e9;
        double begin = now_seconds();
        kill(child.pid, SIGUSR2);
        await_dump(&place);
        figures[i].dump_seconds = now_seconds() - begin;
        read_dump(place.path, &figures[i]);
    }
    finish(&child, command[0]);
    close_place(&place);
}

static void sleep_until(double seconds)
{
    struct timespec end = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) {
    }
}

struct heartbeat {
    struct child child;
    struct place place;
    const char *app;
};

struct heartbeat *heartbeat_start(char *app)
{
    struct heartbeat *heartbeat = calloc(1, sizeof *heartbeat);
    if (heartbeat == NULL)
        give_up("no memory", app);
    heartbeat->app = app;
    open_place(&heartbeat->place);
    start(&heartbeat->child, (char *[]){app, NULL}, true, true);
    read_number(&heartbeat->child, "ready", app);
    return heartbeat;
}

void heartbeat_measure(struct heartbeat *heartbeat, struct heartbeat_figures *figures, bool with_dumps)
{
    enum { INTERVALS = 40, INTERVAL_MS = 50 };
    struct child *child = &heartbeat->child;
    tell(child, "begin\n");
    double next = now_seconds();
    for (int i = 0; i < INTERVALS; i++) {
        if (with_dumps) {
            kill(child->pid, SIGUSR2);
            await_dump(&heartbeat->place);
        }
        next += INTERVAL_MS / 1e3;
        sleep_until(next);
    }
    tell(child, "end\n");
    figures->longest_seconds = (double)read_number(child, "longest_ns=", heartbeat->app) / 1e9;
    figures->p999_seconds = (double)read_number(child, "p999_ns=", heartbeat->app) / 1e9;
}

void heartbeat_end(struct heartbeat *heartbeat)
{
    finish(&heartbeat->child, heartbeat->app);
    close_place(&heartbeat->place);
    free(heartbeat);
}

/* ---- maps ---- */

static const char MAP_VARIABLE[] = "main.MLatency";

struct map_run {
    struct child child;
    struct place place;
    const char *app;
    char pid[16];
    uint64_t entries;
    double answer_seconds; /* of the last one */
};

struct map_run *map_start(char *app, uint64_t entries)
{
    char number[24];
    struct map_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        give_up("no memory", app);
    run->app = app;
    run->entries = entries;
    open_place(&run->place);
    snprintf(number, sizeof number, "%llu", (unsigned long long)entries);
    start(&run->child,
          (char *[]){command_path, "run", "--watch", (char *)MAP_VARIABLE, "-o", run->place.path, "--", app, ".",
                     "latency", number, NULL},
          false, true);
    snprintf(run->pid, sizeof run->pid, "%d", (int)run->child.pid);
    if (read_number(&run->child, "entries=", app) != entries)
        give_up("another number of entries", app);
    return run;
}

/* Seconds of the walk. */
static double check_map(const struct map_run *run, const json_t *maps)
{
    const json_t *map = json_array_get(maps, 0);
    const json_t *walk_ns = json_object_get(map, "walk_ns");
    if ((uint64_t)json_integer_value(json_object_get(map, "entries")) != run->entries || !json_is_integer(walk_ns))
        give_up("the answer does not tell of all entries", MAP_VARIABLE);
    return (double)json_integer_value(walk_ns) / 1e9;
}

double map_answer_outside(struct map_run *run)
{
    struct child command;
    json_error_t error;
    double begin = now_seconds();
    start(&command, (char *[]){command_path, "map", (char *)MAP_VARIABLE, run->pid, "--json", NULL}, false, true);
    json_t *answers = json_loadf(command.output, JSON_DISABLE_EOF_CHECK, &error);
    if (answers == NULL)
        give_up(error.text, MAP_VARIABLE);
    finish(&command, command_path);
    double seconds = now_seconds() - begin;
    check_map(run, json_object_get(answers, "maps"));
    json_decref(answers);
    return seconds;
}

double map_answer_inside(struct map_run *run)
{
    kill(run->child.pid, SIGUSR2);
    await_dump(&run->place);
    json_t *dump = load_dump(run->place.path);
    double seconds = check_map(run, json_object_get(json_object_get(dump, "go"), "maps"));
    json_decref(dump);
    return seconds;
}

double map_answer_nothing(struct map_run *run)
{
    double end = now_seconds() + run->answer_seconds;
    while (now_seconds() < end) {
    }
    return 0;
}

void map_begin_writes(struct map_run *run)
{
    tell(&run->child, "write\n");
}

double map_write_p99_ns(struct map_run *run, double (*answer)(struct map_run *), double *seconds)
{
    tell(&run->child, "begin\n");
    double begin = now_seconds();
    if (answer != NULL)
        answer(run);
    else
        sleep_until(begin + *seconds);
    *seconds = run->answer_seconds = now_seconds() - begin;
    tell(&run->child, "end\n");
    return (double)read_number(&run->child, "p99_ns=", run->app);
}

void map_end(struct map_run *run)
{
    finish(&run->child, run->app);
    close_place(&run->place);
    free(run);
}
