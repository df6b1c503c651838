/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of `report --html` in a directory of their own, and the data in them.
 */
#ifndef GPW_TESTS_HTML_FIXTURE_H
#define GPW_TESTS_HTML_FIXTURE_H

#include "dump_fixture.h"

#include "harness/dump_decode.h"
#include "harness/html_report.h"
#include "tests/unit/support/files.h"

static const char DATA_BEGIN[] = "<script type=\"application/json\" id=\"data\">";
static const char DATA_END[] = "</script>";

static struct temporary_directory directory;

static inline void open_directory(void)
{
    temporary_directory_make(&directory);
}

static inline void close_directory(void)
{
    temporary_directory_remove(&directory);
}

static inline char *file_content(const char *path)
{
    FILE *file = fopen(path, "re");
    cr_assert_not_null(file, "%s", path);
    fseek(file, 0, SEEK_END);
    long bytes = ftell(file);
    char *content = calloc(1, (size_t)bytes + 1);
    rewind(file);
    cr_assert_eq(fread(content, 1, (size_t)bytes, file), (size_t)bytes);
    fclose(file);
    return content;
}

/* The page of these dumps. */
static inline char *page_of(const struct html_dump *dumps, uint32_t dumps_count)
{
    char path[FILE_PATH_BYTES];
    struct error error;
    path_in(&directory, "page.html", path);
    cr_assert(html_report_write(path, dumps, dumps_count, &error), "%s", error.text);
    return file_content(path);
}

/* Cuts the data out of a page. */
static inline char *take_data(char *page)
{
    char *begin = strstr(page, DATA_BEGIN);
    cr_assert_not_null(begin);
    begin += strlen(DATA_BEGIN);
    char *end = strstr(begin, DATA_END);
    cr_assert_not_null(end);
    char *data = strndup(begin, (size_t)(end - begin));
    memmove(begin, end, strlen(end) + 1);
    return data;
}

static inline json_t *data_of(char *page)
{
    char *text = take_data(page);
    json_error_t error;
    json_t *data = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(data, "%s at %d", error.text, error.position);
    free(text);
    return data;
}

static inline json_t *written_dump(json_t *data, size_t index)
{
    return json_array_get(json_object_get(data, "dumps"), index);
}

/* As dump_load_document would give it. */
static inline struct html_dump checked(json_t *document)
{
    struct dump dump;
    struct error error;
    cr_assert(dump_decode(&dump, document, &error), "%s", error.text);
    dump_free(&dump);
    return (struct html_dump){"shop.json", document, NULL};
}

#endif
