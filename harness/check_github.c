/* SPDX-License-Identifier: Apache-2.0
 *
 * GitHub Actions: annotations by workflow commands on standard output, and the step summary.
 *
 *   ::error title=gopagewatch%3A rss.total::the median grew by ...%0Abaseline 61.2 MiB ...
 *
 * GitHub shows ten annotations of a kind for each step and says nothing of the others: so there are no more than ten of
 * all kinds, and the last one tells what is left out. What applies to all of the result comes first.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/check_escape.h"
#include "harness/check_format.h"
#include "harness/check_words.h"
#include "memory/units.h"

enum { ANNOTATIONS_MAX = 10 };

/* A colon or a comma ends a property. Line breaks are not in texts, and stand between them as LINE_BREAK. */
static const struct check_escape DATA_ESCAPES[] = {{'%', "%25"}, {0}};
static const struct check_escape PROPERTY_ESCAPES[] = {{'%', "%25"}, {':', "%3A"}, {',', "%2C"}, {0}};
static const char LINE_BREAK[] = "%0A";

static void begin(FILE *out, const char *level, const char *title)
{
    fprintf(out, "::%s title=gopagewatch%%3A ", level);
    check_write_escaped(out, title, PROPERTY_ESCAPES);
    fputs("::", out);
}

static void write_data(FILE *out, const char *text)
{
    check_write_escaped(out, text, DATA_ESCAPES);
}

static void write_row(FILE *out, const struct check_result *result, const struct check_row *row)
{
    begin(out, row->verdict == CHECK_REGRESSION ? "error" : "warning", row->metric);
    write_data(out, row->why);
    fputs(LINE_BREAK, out);
    write_data(out, check_facts(row).text);
    struct check_sentence grew = check_grew_most(result);
    if (row->verdict == CHECK_REGRESSION && grew.text[0] != '\0') {
        fprintf(out, "%sgrew most: ", LINE_BREAK);
        write_data(out, grew.text);
    }
    fputc('\n', out);
}

static void write_notes(FILE *out, const struct check_result *result)
{
    begin(out, "warning", "note");
    for (uint64_t i = 0; i < result->notes_count; i++) {
        fputs(i > 0 ? LINE_BREAK : "", out);
        write_data(out, result->notes[i]);
    }
    fputc('\n', out);
}

bool check_github_write(FILE *out, const struct check_result *result, const struct check_view *view,
                        struct error *error)
{
    (void)view;
    (void)error;
    uint64_t rows = result->rows_count - min_u64(result->verdict_rows[CHECK_PASS], result->rows_count);
    uint64_t places = ANNOTATIONS_MAX - (result->notes_count > 0);
    uint64_t shown = rows <= places ? rows : places - 1;
    if (result->notes_count > 0)
        write_notes(out, result);
    for (uint64_t i = 0; i < shown; i++)
        write_row(out, result, &result->rows[i]);
    if (rows == 0) {
        begin(out, result->verdict == CHECK_PASS ? "notice" : "warning", check_verdict_name(result->verdict));
        write_data(out, check_headline(result).text);
        fputc('\n', out);
    } else if (shown < rows) {
        begin(out, "notice", check_verdict_name(result->verdict));
        fprintf(out, "%" PRIu64 " more that did not pass are not annotated; the log and the step summary have them.\n",
                rows - shown);
    }
    return true;
}

/* ---- the step summary ---- */

static bool write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        count -= (size_t)written;
    }
    return true;
}

static bool append(const char *path, const char *bytes, size_t count, struct error *error)
{
    enum { MODE = 0644 };
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, MODE);
    if (fd < 0)
        return error_set(error, "cannot be opened: %s; GITHUB_STEP_SUMMARY names it", strerror(errno));
    bool is_written = write_all(fd, bytes, count);
    int why = errno;
    if (close(fd) != 0 && is_written) {
        is_written = false;
        why = errno;
    }
    return is_written || error_set(error, "cannot be written: %s; GITHUB_STEP_SUMMARY names it", strerror(why));
}

bool check_github_append_summary(const struct check_result *result, const char *path, struct error *error)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return error_set(error, "no memory for the summary");
    fputc('\n', out); /* whatever is there may not end with one */
    check_markdown_write(out, result, &(struct check_view){0}, error);
    bool is_whole = !ferror(out);
    is_whole = fclose(out) == 0 && is_whole;
    bool is_appended = is_whole ? append(path, text, bytes, error) : error_set(error, "no memory for the summary");
    free(text);
    return is_appended;
}
