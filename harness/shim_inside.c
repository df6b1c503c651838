/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's variables, its handler, its directory.
 */
#include "harness/shim_inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "memory/text.h"
#include "preload/options.h"

enum { VARIABLES_MAX = 64 };

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

static bool find_directory(struct shim_inside *shim, const struct live_process *process, const char *pattern,
                           struct error *error)
{
    char cwd[OUTPUT_PATH_BYTES] = "", link[PROC_PATH_BYTES], directory[OUTPUT_PATH_BYTES], root[PROC_PATH_BYTES] = "";
    struct utsname system;
    const char *slash = strrchr(pattern, '/');
    snprintf(directory, sizeof directory, "%.*s", slash == NULL ? 0 : (int)(slash + 1 - pattern), pattern);
    for (const char *at = directory; (at = strchr(at, '%')) != NULL; at += 2) {
        if (strchr("ntl", at[1]) != NULL)
            return error_set(error, "each of its dumps goes to another directory (GOPAGEWATCH_OUT is %s)", pattern);
    }
    uname(&system);
    struct output_words words = {
        .pid = live_process_own_pid(process->pid), .program = process->comm, .host = system.nodename, .label = ""};
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
    return bytes < (int)sizeof shim->directory || error_set(error, "its GOPAGEWATCH_OUT is too long a path");
}

bool shim_inside_find(struct shim_inside *shim, const struct live_process *process, struct error *error)
{
    struct options options;
    read_options(&options, process);
    *shim = (struct shim_inside){.signal = options.signal};
    if (shim->signal != 0 && !has_handler(process, shim->signal))
        shim->signal = 0;
    return find_directory(shim, process, options.out, error);
}
