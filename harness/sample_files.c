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

#include "memory/text.h"

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
    if (files->events >= 0 && inotify_add_watch(files->events, files->directory, IN_CREATE | IN_MOVED_TO) >= 0)
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

/* RUN.PID.NUMBER.json */
static bool read_name(const char *name, uint32_t run, struct sample_file *file)
{
    struct text rest = text_of(name);
    uint64_t of_run, pid;
    if (!text_take_decimal(&rest, &of_run) || of_run != run || !text_take_char(&rest, '.') ||
        !text_take_decimal(&rest, &pid) || pid > INT_MAX || !text_take_char(&rest, '.') ||
        !text_take_decimal(&rest, &file->number))
        return false;
    file->pid = (int)pid;
    return text_equals(rest, ".json");
}

static int by_age(const void *left, const void *right)
{
    const struct sample_file *a = left, *b = right;
    return a->number != b->number ? (a->number > b->number) - (a->number < b->number) : a->pid - b->pid;
}

struct list {
    struct sample_file *found;
    uint64_t count, capacity;
};

static bool append(struct list *list, const struct sample_file *file)
{
    enum { FIRST_CAPACITY = 16 };
    if (list->count == list->capacity) {
        uint64_t capacity = list->capacity == 0 ? FIRST_CAPACITY : list->capacity * 2;
        struct sample_file *grown = reallocarray(list->found, capacity, sizeof *grown);
        if (grown == NULL)
            return false;
        list->found = grown;
        list->capacity = capacity;
    }
    list->found[list->count++] = *file;
    return true;
}

/* All dumps of a run. False: there is no memory. */
static bool list_run(struct list *list, const struct sample_files *files, uint32_t run)
{
    DIR *directory = opendir(files->directory);
    bool is_listed = true;
    for (struct dirent *entry; is_listed && directory != NULL && (entry = readdir(directory)) != NULL;) {
        struct sample_file file;
        if (!read_name(entry->d_name, run, &file))
            continue;
        int length = snprintf(file.path, sizeof file.path, "%s/%s", files->directory, entry->d_name);
        if (length < (int)sizeof file.path)
            is_listed = append(list, &file);
    }
    if (directory != NULL)
        closedir(directory);
    return is_listed;
}

bool sample_files_of_run(const struct sample_files *files, uint32_t run, pid_t pid, struct sample_file **found,
                         uint64_t *count, struct error *error)
{
    struct list list = {0};
    bool is_from_pid = false, is_from_one = true;
    uint64_t kept = 0;
    *found = NULL;
    *count = 0;
    if (!list_run(&list, files, run)) {
        free(list.found);
        return error_set(error, "there is no memory for the names of so many dumps");
    }
    for (uint64_t i = 0; i < list.count; i++) {
        is_from_pid |= list.found[i].pid == pid;
        is_from_one &= list.found[i].pid == list.found[0].pid;
    }
    if (!is_from_pid && !is_from_one) {
        free(list.found);
        return error_set(error, "it was no Go program itself and started several; name the one that is meant");
    }
    for (uint64_t i = 0; i < list.count; i++) {
        if (!is_from_pid || list.found[i].pid == pid)
            list.found[kept++] = list.found[i];
    }
    if (kept > 0)
        qsort(list.found, kept, sizeof *list.found, by_age);
    *found = list.found;
    *count = kept;
    return true;
}
