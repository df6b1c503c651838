/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading gopagewatch.ini by inih. The lines are ours: inih would take the end of a long line for one of its own, and
 * an indented one for another value of the name above.
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
    FILE *file;
    int line, refused_line; /* the latter 0: none */
    struct error *error;    /* of that one */
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
    if (section[0] == '\0')
        return error_set(reading->error, "'%.60s' stands above all sections; put [check] or a kind of rule over it",
                         name);
    return error_set(reading->error, "[%.60s] is no section; there are check, limit, growth, slope and exact", section);
}

static int handle(void *context, const char *section, const char *name, const char *value)
{
    struct reading *reading = context;
    if (!take(reading, section, name, value == NULL ? "" : value))
        reading->refused_line = reading->line;
    return reading->refused_line == 0;
}

/* Like fgets, without what a line is indented by. The file ends behind a line that is refused. */
static char *read_line(char *line, int bytes, void *context)
{
    struct reading *reading = context;
    int filled = 0, got = EOF;
    reading->line++;
    while (reading->refused_line == 0 && (got = getc(reading->file)) != EOF) {
        bool is_blank = got == ' ' || got == '\t';
        if (is_blank && filled == 0)
            continue;
        if (filled == bytes - 1) {
            reading->refused_line = reading->line;
            error_set(reading->error, "longer than %d bytes; put comments on lines of their own", bytes - 2);
        } else if (got < ' ' && !is_blank && got != '\n' && got != '\r') {
            reading->refused_line = reading->line;
            error_set(reading->error, "bytes that are no text; name a file like gopagewatch.ini");
        } else {
            line[filled++] = (char)got;
        }
        if (got == '\n')
            break;
    }
    line[filled] = '\0';
    return reading->refused_line == 0 && (got != EOF || filled > 0) ? line : NULL;
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
    struct reading reading = {.options = options, .path = path, .file = open_file(path), .error = &refusal};
    bool was_opened = reading.file != NULL;
    int line = was_opened ? ini_parse_stream(read_line, &reading, handle, &reading) : 0;
    *is_missing = !was_opened || ferror(reading.file) != 0;
    if (*is_missing)
        error_set(error, "%s; name a file like gopagewatch.ini", strerror(errno));
    if (was_opened)
        fclose(reading.file);
    if (*is_missing)
        return false;
    /* inih knows the first line that it could not read itself, or that was refused. */
    if (line > 0 && (reading.refused_line == 0 || line < reading.refused_line))
        return error_set(error, "line %d is neither [SECTION] nor METRIC = BOUND (METRIC = below [exact])", line);
    return reading.refused_line == 0 || error_set(error, "line %d: %s", reading.refused_line, refusal.text);
}
