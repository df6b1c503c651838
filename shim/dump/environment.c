/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the fingerprint.
 */
#include "dump/environment.h"

#include <stddef.h>
#include <string.h>

#include "memory/raw.h"
#include "memory/text.h"
#include "memory/units.h"

#define THP "/sys/kernel/mm/transparent_hugepage/"

enum { FILE_TEXT_BYTES = 1024, PATH_BYTES = 1100 };

void bracketed_word(const char *text, char *word, uint64_t word_bytes)
{
    const char *open = strchr(text, '[');
    const char *close = open == NULL ? NULL : strchr(open, ']');
    word[0] = '\0';
    if (close == NULL || (uint64_t)(close - open) > word_bytes)
        return;
    uint64_t bytes = (uint64_t)(close - open - 1);
    memcpy(word, open + 1, bytes);
    word[bytes] = '\0';
}

static void read_bracketed(const char *path, char *word, uint64_t word_bytes)
{
    char text[FILE_TEXT_BYTES];
    word[0] = '\0';
    if (read_small_file(path, text, sizeof text) > 0)
        bracketed_word(text, word, word_bytes);
}

static bool read_decimal(const char *path, uint64_t *value)
{
    char content[FILE_TEXT_BYTES];
    if (read_small_file(path, content, sizeof content) <= 0)
        return false;
    struct text text = text_of(content);
    return text_take_decimal(&text, value);
}

static bool join_path(char *path, const char *front, const char *middle, uint64_t middle_bytes, const char *back)
{
    uint64_t front_bytes = strlen(front);
    if (front_bytes + middle_bytes + strlen(back) >= PATH_BYTES)
        return false;
    memcpy(path, front, front_bytes);
    memcpy(path + front_bytes, middle, middle_bytes);
    strcpy(path + front_bytes + middle_bytes, back);
    return true;
}

/* A controller's files: below `root`, in the directory of each group. */
static const struct hierarchy {
    const char *root, *limit, *usage, *statistics, *inactive_file;
    uint64_t no_limit_bytes; /* from there on */
} V1 = {"/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes",
        "/memory.stat",          "total_inactive_file",    1ull << 62}, /* "none" is a number just below 2^63 */
    V2 = {"/sys/fs/cgroup", "/memory.max", "/memory.current", "/memory.stat", "inactive_file", UINT64_MAX};

/* Reads a number from a group's file. */
static bool read_of_group(const struct hierarchy *hierarchy, struct text group, const char *file, uint64_t *value)
{
    char path[PATH_BYTES];
    return join_path(path, hierarchy->root, group.at, (uint64_t)(group.end - group.at), file) &&
           read_decimal(path, value);
}

/* A line's number from a group's memory.stat; 0: there is none. */
static uint64_t read_inactive_file(const struct hierarchy *hierarchy, struct text group)
{
    char path[PATH_BYTES], buffer[FILE_TEXT_BYTES];
    struct line_reader lines;
    struct text line;
    uint64_t bytes = 0;
    if (!join_path(path, hierarchy->root, group.at, (uint64_t)(group.end - group.at), hierarchy->statistics) ||
        line_reader_open(&lines, path, buffer, sizeof buffer) != 0)
        return 0;
    while (bytes == 0 && line_reader_next(&lines, &line)) {
        bool is_it = text_equals(text_take_word(&line), hierarchy->inactive_file);
        text_skip_spaces(&line);
        if (!is_it || !text_take_decimal(&line, &bytes))
            bytes = 0;
    }
    line_reader_close(&lines);
    return bytes;
}

/* The nearest limit: the own group's or that of one above it. In a container only its own is to be seen, at the root.
 */
static void read_limits(const struct hierarchy *hierarchy, struct text group, struct environment *environment)
{
    for (;;) {
        uint64_t limit, usage;
        if (read_of_group(hierarchy, group, hierarchy->limit, &limit) && limit < hierarchy->no_limit_bytes) {
            environment->cgroup_limit_bytes =
                environment->has_cgroup_limit ? min_u64(environment->cgroup_limit_bytes, limit) : limit;
            environment->has_cgroup_limit = true;
            if (read_of_group(hierarchy, group, hierarchy->usage, &usage)) {
                usage -= min_u64(usage, read_inactive_file(hierarchy, group));
                environment->cgroup_left_bytes = min_u64(environment->cgroup_left_bytes, limit - min_u64(usage, limit));
            }
        }
        if (group.at == group.end)
            return;
        while (group.end > group.at && *--group.end != '/')
            ;
    }
}

/* Takes "N:CONTROLLERS:" off "N:CONTROLLERS:/group" (man 7 cgroups). NULL: not the memory controller's line. */
static const struct hierarchy *take_hierarchy(struct text *line)
{
    const char *controllers = memchr(line->at, ':', (size_t)(line->end - line->at));
    const char *group =
        controllers == NULL ? NULL : memchr(controllers + 1, ':', (size_t)(line->end - controllers - 1));
    if (group == NULL)
        return NULL;
    struct text names = {controllers + 1, group};
    line->at = group + 1;
    if (text_equals(names, ""))
        return &V2;
    while (names.at < names.end) {
        const char *comma = memchr(names.at, ',', (size_t)(names.end - names.at));
        const char *end = comma == NULL ? names.end : comma;
        if (text_equals((struct text){names.at, end}, "memory"))
            return &V1;
        names.at = comma == NULL ? names.end : comma + 1;
    }
    return NULL;
}

static void read_cgroup(const char *path, struct environment *environment)
{
    char buffer[4096];
    struct line_reader lines;
    struct text line;
    environment->cgroup_left_bytes = UINT64_MAX;
    if (line_reader_open(&lines, path, buffer, sizeof buffer) != 0)
        return;
    while (!environment->has_cgroup_limit && line_reader_next(&lines, &line)) {
        const struct hierarchy *hierarchy = take_hierarchy(&line);
        if (hierarchy != NULL)
            read_limits(hierarchy, line, environment);
    }
    line_reader_close(&lines);
}

static uint64_t count_cpus(int pid)
{
    uint64_t mask[128] = {0};
    uint64_t cpus = 0;
    long bytes = raw_syscall6(SYS_sched_getaffinity, pid, sizeof mask, (long)mask, 0, 0, 0);
    for (long i = 0; !raw_failed(bytes) && i < bytes / (long)sizeof mask[0]; i++)
        cpus += (uint64_t)__builtin_popcountll(mask[i]);
    return cpus;
}

void environment_read(struct environment *environment, uint64_t os_page_bytes, int pid, const char *cgroup_path)
{
    *environment = (struct environment){.os_page_bytes = os_page_bytes};
    raw_syscall6(SYS_uname, (long)&environment->system, 0, 0, 0, 0, 0);
    environment->cpus = count_cpus(pid);
    read_bracketed(THP "enabled", environment->thp_enabled, sizeof environment->thp_enabled);
    read_bracketed(THP "defrag", environment->thp_defrag, sizeof environment->thp_defrag);
    environment->knows_max_ptes_none =
        read_decimal(THP "khugepaged/max_ptes_none", &environment->khugepaged_max_ptes_none);
    read_cgroup(cgroup_path, environment);
}
