/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's variables, its thread, its directory.
 */
#include "harness/shim_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "memory/text.h"
#include "preload/options.h"

enum { VARIABLES_MAX = 64 };

static const char THREAD_NAME[] = "gopagewatch"; /* preload/dumper.c */

/* ---- what it does ---- */

/* First of all a level at which nothing is said: the shim has complained already, where it belongs. */
static void read_options(struct options *options, const struct live_process *process)
{
    static char quiet[] = "GOPAGEWATCH_LOG=quiet";
    char *variables[VARIABLES_MAX + 2] = {quiet};
    uint32_t count = 1;
    const char *end = process->environment + process->environment_bytes;
    for (const char *at = process->environment; at < end && count <= VARIABLES_MAX; at += strnlen(at, end - at) + 1) {
        if (strncmp(at, "GOPAGEWATCH_", 12) == 0 && memchr(at, '\0', (size_t)(end - at)) != NULL)
            variables[count++] = (char *)at;
    }
    options_read(options, variables);
}

/* The dumper's thread is there from the moment on from which signals are dumps. */
static bool has_dumper(const struct live_process *process)
{
    char path[PROC_PATH_BYTES + 300], name[LIVE_COMM_BYTES];
    bool is_there = false;
    live_process_path(process, "task", path);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        return false;
    for (const struct dirent *task; !is_there && (task = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/comm", process->pid, task->d_name);
        if (read_small_file(path, name, sizeof name) <= 0)
            continue;
        name[strcspn(name, "\n")] = '\0';
        is_there = strcmp(name, THREAD_NAME) == 0;
    }
    closedir(tasks);
    return is_there;
}

/* The text behind a key of /proc/PID/status. */
static bool read_status(const struct live_process *process, const char *key, char *value, size_t value_bytes)
{
    char path[PROC_PATH_BYTES], status[4096];
    live_process_path(process, "status", path);
    if (read_small_file(path, status, sizeof status) <= 0)
        return false;
    const char *found = strstr(status, key);
    if (found == NULL)
        return false;
    snprintf(value, value_bytes, "%.*s", (int)strcspn(found + strlen(key), "\n"), found + strlen(key));
    return true;
}

static bool has_handler(const struct live_process *process, int signal)
{
    char caught[32];
    return read_status(process, "\nSigCgt:\t", caught, sizeof caught) &&
           (strtoull(caught, NULL, 16) >> (signal - 1) & 1) != 0;
}

/* Its number in its own namespace: the last of the list. */
static uint64_t own_pid(const struct live_process *process)
{
    char numbers[128];
    if (!read_status(process, "\nNSpid:\t", numbers, sizeof numbers))
        return (uint64_t)process->pid;
    const char *last = strrchr(numbers, '\t');
    return strtoull(last == NULL ? numbers : last + 1, NULL, 10);
}

/* ---- where its dumps go ---- */

/* Whether a path means the same there as here: in a container it does not. */
static bool has_our_root(const struct live_process *process)
{
    char path[PROC_PATH_BYTES], ours[PROC_PATH_BYTES] = "", its[PROC_PATH_BYTES] = "";
    struct stat our_root, its_root;
    live_process_path(process, "ns/mnt", path);
    if (readlink("/proc/self/ns/mnt", ours, sizeof ours - 1) <= 0 || readlink(path, its, sizeof its - 1) <= 0 ||
        strcmp(ours, its) != 0)
        return false;
    live_process_path(process, "root/", path);
    return stat("/", &our_root) == 0 && stat(path, &its_root) == 0 && our_root.st_dev == its_root.st_dev &&
           our_root.st_ino == its_root.st_ino;
}

static bool append_escaped(char *pattern, size_t *filled, size_t pattern_bytes, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*filled + 3 > pattern_bytes)
            return false;
        if (strchr("*?[]\\", *text) != NULL)
            pattern[(*filled)++] = '\\';
        pattern[(*filled)++] = *text;
    }
    pattern[*filled] = '\0';
    return true;
}

/* The pid is known; number and time are not, nor is a label, and of program and host not for sure. */
static bool make_name_pattern(struct shim_inside *shim, const char *name, uint64_t pid)
{
    char number[32];
    size_t filled = 0;
    snprintf(number, sizeof number, "%" PRIu64, pid);
    for (const char *at = name; *at != '\0'; at++) {
        const char plain[2] = {*at, '\0'};
        bool is_word = *at == '%' && at[1] != '\0';
        const char *text = !is_word ? plain : *++at == 'p' ? number : *at == '%' ? "%" : NULL;
        if (text != NULL && !append_escaped(shim->name_pattern, &filled, sizeof shim->name_pattern, text))
            return false;
        if (text == NULL && filled + 2 <= sizeof shim->name_pattern) {
            shim->name_pattern[filled++] = '*';
            shim->name_pattern[filled] = '\0';
        }
    }
    return true;
}

static bool find_directory(struct shim_inside *shim, const struct live_process *process, const char *pattern,
                           struct error *error)
{
    char cwd[OUTPUT_PATH_BYTES] = "", link[PROC_PATH_BYTES], directory[OUTPUT_PATH_BYTES], root[PROC_PATH_BYTES] = "";
    struct utsname system;
    const char *slash = strrchr(pattern, '/');
    snprintf(directory, sizeof directory, "%.*s", slash == NULL ? 0 : (int)(slash + 1 - pattern), pattern);
    for (const char *at = directory; (at = strchr(at, '%')) != NULL; at += 2) {
        if (strchr("ntl", at[1]) != NULL)
            return error_set(error,
                             "each of its dumps goes to another directory (GOPAGEWATCH_OUT is %s): send it signal %d "
                             "and look there",
                             pattern, shim->signal);
    }
    uname(&system);
    struct output_words words = {
        .pid = own_pid(process), .program = process->comm, .host = system.nodename, .label = ""};
    char expanded[OUTPUT_PATH_BYTES];
    if (!output_expand(directory, &words, expanded))
        return error_set(error, "its GOPAGEWATCH_OUT is too long a path");
    if (expanded[0] != '/') {
        live_process_path(process, "cwd", link);
        ssize_t bytes = readlink(link, cwd, sizeof cwd - 2);
        if (bytes <= 0)
            return error_set(error, "its working directory, where its dumps go, cannot be read: %s", strerror(errno));
        cwd[bytes] = '/';
    }
    if (!has_our_root(process))
        live_process_path(process, "root", root);
    int bytes = snprintf(shim->directory, sizeof shim->directory, "%s%s%s", root, cwd, expanded);
    return (bytes < (int)sizeof shim->directory &&
            make_name_pattern(shim, slash == NULL ? pattern : slash + 1, words.pid)) ||
           error_set(error, "its GOPAGEWATCH_OUT is too long a path");
}

bool shim_inside_find(struct shim_inside *shim, const struct live_process *process, struct error *error)
{
    struct options options;
    *shim = (struct shim_inside){.pid = process->pid, .inotify = -1};
    if (!has_dumper(process))
        return error_set(error,
                         "no shim is at work in it; start it with LD_PRELOAD=libgopagewatch.so, or make a dump "
                         "from outside: gopagewatch attach %d",
                         process->pid);
    read_options(&options, process);
    shim->signal = options.signal;
    if (shim->signal == 0)
        return error_set(error, "its shim takes no signal (GOPAGEWATCH_SIGNAL=none)");
    if (!has_handler(process, shim->signal))
        return error_set(error, "it has no handler for signal %d: none is sent, it would end the process",
                         shim->signal);
    return find_directory(shim, process, options.out, error);
}

/* ---- asking ---- */

bool shim_inside_ask(struct shim_inside *shim, int pidfd, struct error *error)
{
    shim->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (shim->inotify < 0 || inotify_add_watch(shim->inotify, shim->directory, IN_MOVED_TO) < 0) {
        error_set(error, "%s, where its dumps go, cannot be watched: %s", shim->directory, strerror(errno));
        shim_inside_close(shim);
        return false;
    }
    long result =
        pidfd < 0 ? kill(shim->pid, shim->signal) : syscall(SYS_pidfd_send_signal, pidfd, shim->signal, NULL, 0);
    if (result == 0)
        return true;
    error_set(error, "signal %d cannot be sent: %s", shim->signal, strerror(errno));
    shim_inside_close(shim);
    return false;
}

const char *shim_inside_take(struct shim_inside *shim)
{
    char events[4096] __attribute__((aligned(8)));
    ssize_t bytes;
    while (shim->inotify >= 0 && (bytes = read(shim->inotify, events, sizeof events)) > 0) {
        for (ssize_t at = 0; at < bytes;) {
            const struct inotify_event *event = (const void *)(events + at);
            if (event->len > 0 && fnmatch(shim->name_pattern, event->name, 0) == 0) {
                snprintf(shim->path, sizeof shim->path, "%s%s", shim->directory, event->name);
                return shim->path;
            }
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
    return NULL;
}

void shim_inside_close(struct shim_inside *shim)
{
    if (shim->inotify >= 0)
        close(shim->inotify);
    shim->inotify = -1;
}
