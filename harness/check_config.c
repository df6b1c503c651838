/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading gopagewatch.ini by inih.
 */
#include "harness/check_config.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct reading {
    struct check_options *options;
    const char *path;
    struct error *error;
    bool has_failed;
};

/* A path that stands in the file, as seen from here. */
static const char *from_here(const struct reading *reading, const char *path)
{
    char joined[PATH_MAX];
    const char *slash = strrchr(reading->path, '/');
    if (path[0] == '/' || slash == NULL)
        return bump_string(&reading->options->bump, path, strlen(path));
    int length = snprintf(joined, sizeof joined, "%.*s/%s", (int)(slash - reading->path), reading->path, path);
    return bump_string(&reading->options->bump, joined, length < (int)sizeof joined ? strlen(joined) : 0);
}

static bool set(const struct reading *reading, const char *name, const char *value)
{
    struct check_options *options = reading->options;
    if (strcmp(name, "baseline") == 0)
        return check_files_add(&options->files[SAMPLES_BASELINE], from_here(reading, value), reading->error);
    return check_options_set(options, name, bump_string(&options->bump, value, strlen(value)), reading->error);
}

static bool take(const struct reading *reading, const char *section, const char *name, const char *value)
{
    if (strcmp(section, "check") == 0)
        return set(reading, name, value);
    for (int kind = 0; kind < CHECK_KIND_COUNT; kind++) {
        if (strcmp(section, check_kind_name((enum check_kind)kind)) == 0)
            return check_rules_add_parts(&reading->options->settings.rules, (enum check_kind)kind, name, value,
                                         reading->error);
    }
    return error_set(reading->error, "[%.60s] is no section; there are check, limit, growth, slope and exact", section);
}

/* inih goes on behind a line that is refused: the first one is what counts. */
static int handle(void *context, const char *section, const char *name, const char *value)
{
    struct reading *reading = context;
    if (!reading->has_failed && !take(reading, section, name, value == NULL ? "" : value))
        reading->has_failed = true;
    return !reading->has_failed;
}

static FILE *open_file(const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "re");
    if (file == NULL || (fstat(fileno(file), &status) == 0 && !S_ISDIR(status.st_mode)))
        return file;
    fclose(file);
    errno = EISDIR;
    return NULL;
}

bool check_config_read(struct check_options *options, const char *path, bool *is_missing, struct error *error)
{
    struct error refusal;
    struct reading reading = {options, path, &refusal, false};
    FILE *file = open_file(path);
    *is_missing = file == NULL;
    if (file == NULL)
        return error_set(error, "%s; name a file like gopagewatch.ini", strerror(errno));
    int line = ini_parse_file(file, handle, &reading);
    fclose(file);
    if (line == 0)
        return true;
    if (reading.has_failed)
        return error_set(error, "line %d: %s", line, refusal.text);
    return error_set(error, "line %d is neither [SECTION] nor METRIC = BOUND", line);
}
