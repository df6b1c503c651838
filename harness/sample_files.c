/* SPDX-License-Identifier: Apache-2.0
 *
 * Dumps are called RUN.PID.NUMBER.json.
 */
#include "harness/sample_files.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static bool is_empty(const char *path)
{
    DIR *directory = opendir(path);
    bool is_so = directory != NULL;
    for (struct dirent *entry; is_so && (entry = readdir(directory)) != NULL;)
        is_so = !is_entry(entry);
    if (directory != NULL)
        closedir(directory);
    return is_so;
}

static bool open_kept(struct sample_files *files, const char *keep, struct error *error)
{
    enum { ALL = 0777 };
    if (mkdir(keep, ALL) != 0 && errno != EEXIST)
        return error_set(error, "cannot be made: %s; name another directory with --keep", strerror(errno));
    if (!is_empty(keep))
        return error_set(error, "is no empty directory; empty it, or name another one with --keep");
    return realpath(keep, files->directory) != NULL ||
           error_set(error, "cannot be used: %s; name another directory with --keep", strerror(errno));
}

static bool open_temporary(struct sample_files *files, struct error *error)
{
    char path[PATH_MAX];
    const char *parent = getenv("TMPDIR");
    int length =
        snprintf(path, sizeof path, "%s/gopagewatch.XXXXXX", parent == NULL || *parent == '\0' ? "/tmp" : parent);
    if (length >= (int)sizeof path || mkdtemp(path) == NULL || realpath(path, files->directory) == NULL)
        return error_set(error, "cannot be made: %s; set TMPDIR, or name a directory with --keep", strerror(errno));
    files->is_temporary = true;
    return true;
}

bool sample_files_open(struct sample_files *files, const char *keep, struct error *error)
{
    *files = (struct sample_files){.events = -1};
    if (!(keep != NULL ? open_kept(files, keep, error) : open_temporary(files, error)))
        return false;
    files->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (files->events >= 0 && inotify_add_watch(files->events, files->directory, IN_MOVED_TO) >= 0)
        return true;
    error_set(error, "cannot be watched: %s; raise fs.inotify.max_user_instances", strerror(errno));
    sample_files_close(files);
    return false;
}

void sample_files_close(struct sample_files *files)
{
    DIR *directory = files->is_temporary ? opendir(files->directory) : NULL;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (is_entry(entry))
            unlinkat(dirfd(directory), entry->d_name, 0);
    }
    if (directory != NULL) {
        closedir(directory);
        rmdir(files->directory);
    }
    if (files->events >= 0)
        close(files->events);
    *files = (struct sample_files){.events = -1};
}

bool sample_files_pattern(const struct sample_files *files, uint32_t run, char pattern[PATH_MAX], struct error *error)
{
    size_t filled = 0;
    for (const char *at = files->directory; *at != '\0' && filled < PATH_MAX - 1; at++) {
        pattern[filled++] = *at;
        if (*at == '%')
            pattern[filled++] = '%';
    }
    int length = snprintf(pattern + filled, PATH_MAX - filled, "/%" PRIu32 ".%%p.%%n.json", run);
    return (size_t)length < PATH_MAX - filled ||
           error_set(error, "has too long a path; name a shorter one with --keep");
}

void sample_files_take_events(const struct sample_files *files)
{
    char events[4096];
    while (read(files->events, events, sizeof events) > 0)
        continue;
}

static int by_age(const void *left, const void *right)
{
    const struct sample_file *a = left, *b = right;
    return a->number != b->number ? (a->number > b->number) - (a->number < b->number) : a->pid - b->pid;
}

/* All dumps of a run; NULL: there is no memory. */
static struct sample_file *list(const struct sample_files *files, uint32_t run, uint64_t *count)
{
    enum { FIRST_CAPACITY = 16 };
    uint64_t capacity = FIRST_CAPACITY;
    struct sample_file *found = calloc(capacity, sizeof *found);
    DIR *directory = opendir(files->directory);
    *count = 0;
    for (struct dirent *entry; found != NULL && directory != NULL && (entry = readdir(directory)) != NULL;) {
        struct sample_file file;
        uint32_t of_run;
        int bytes = 0;
        if (sscanf(entry->d_name, "%" SCNu32 ".%d.%" SCNu64 ".json%n", &of_run, &file.pid, &file.number, &bytes) != 3 ||
            bytes == 0 || entry->d_name[bytes] != '\0' || of_run != run)
            continue;
        int length = snprintf(file.path, sizeof file.path, "%s/%s", files->directory, entry->d_name);
        if (length >= (int)sizeof file.path)
            continue;
        if (*count == capacity) {
            struct sample_file *grown = reallocarray(found, capacity *= 2, sizeof *grown);
            if (grown == NULL) {
                free(found);
                found = NULL;
                break;
            }
            found = grown;
        }
        found[(*count)++] = file;
    }
    if (directory != NULL)
        closedir(directory);
    return found;
}

struct sample_file *sample_files_of_run(const struct sample_files *files, uint32_t run, pid_t pid, uint64_t *count,
                                        struct error *error)
{
    uint64_t all, kept = 0;
    bool is_from_pid = false, is_from_one = true;
    struct sample_file *found = list(files, run, &all);
    *count = 0;
    if (found == NULL) {
        error_set(error, "there is no memory for the names of so many dumps");
        return NULL;
    }
    for (uint64_t i = 0; i < all; i++) {
        is_from_pid |= found[i].pid == pid;
        is_from_one &= found[i].pid == found[0].pid;
    }
    if (!is_from_pid && !is_from_one) {
        error_set(error, "it was no Go program itself and started several; name the one that is meant");
        free(found);
        return NULL;
    }
    for (uint64_t i = 0; i < all; i++) {
        if (!is_from_pid || found[i].pid == pid)
            found[kept++] = found[i];
    }
    qsort(found, kept, sizeof *found, by_age);
    *count = kept;
    return found;
}
