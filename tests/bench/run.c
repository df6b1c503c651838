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

static char library_path[4096];

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

static void wait_for_rename(int watch, const char *name)
{
    char event[4096] __attribute__((aligned(8)));
    struct pollfd waited = {.fd = watch, .events = POLLIN};
    if (poll(&waited, 1, 60000) != 1 || read(watch, event, sizeof event) <= 0)
        give_up("no dump within a minute", name);
}

static uint64_t number_at(const json_t *dump, const char *a, const char *b, const char *c, const char *d)
{
    const json_t *value = json_object_get(json_object_get(dump, a), b);
    if (c != NULL)
        value = json_object_get(json_object_get(value, c), d);
    return (uint64_t)json_integer_value(value);
}

static void read_dump(const char *path, struct dump_figures *figures)
{
    json_error_t error;
    json_t *dump = json_load_file(path, 0, &error);
    if (dump == NULL)
        give_up(error.text, path);
    figures->resident_bytes = number_at(dump, "rss", "total", NULL, NULL);
    figures->shim_resident_bytes = number_at(dump, "rss", "classes", "shim", "resident");
    figures->arenas_bytes = 0;
    size_t i;
    const json_t *arena;
    json_array_foreach(json_object_get(json_object_get(dump, "go"), "arenas"), i, arena) figures->arenas_bytes +=
        (uint64_t)json_integer_value(json_object_get(arena, "bytes"));
    json_decref(dump);
}

void measure_dumps(char *app, struct dump_figures *figures, int rounds)
{
    char directory[] = "/tmp/gopagewatch-bench.XXXXXX";
    char path[sizeof directory + 16];
    struct child child;
    if (mkdtemp(directory) == NULL)
        give_up("cannot be made", directory);
    snprintf(path, sizeof path, "%s/dump.json", directory);
    int watch = inotify_init1(IN_CLOEXEC);
    if (watch < 0 || inotify_add_watch(watch, directory, IN_MOVED_TO) < 0)
        give_up("cannot be watched", directory);
    setenv("GOPAGEWATCH_OUT", path, 1);
    start(&child, (char *[]){app, NULL}, true, true);
    read_number(&child, "ready", app);
    for (int i = 0; i < rounds; i++) {
        fputs("scan\n", child.input);
        fflush(child.input);
        figures[i].scan_seconds = (double)read_number(&child, "scan_ns=", app) / 1e9;
        double begin = now_seconds();
        kill(child.pid, SIGUSR2);
        wait_for_rename(watch, path);
        figures[i].dump_seconds = now_seconds() - begin;
        read_dump(path, &figures[i]);
    }
    finish(&child, app);
    close(watch);
    unlink(path);
    rmdir(directory);
}
