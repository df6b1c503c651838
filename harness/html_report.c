/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling the template. report.html says by {{name}} what goes where; everything between is copied as it stands. Only
 * the data differ from page to page, and they are JSON without any markup: nothing in a dump can become part of the
 * page's text or script. Should that ever fail, the policy lets only the template's own style and script in, by hash.
 */
#include "harness/html_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/dump_file.h"
#include "harness/output_file.h"
#include "harness/printable.h"
#include "memory/raw.h"

static const char NAME[] = "report";

/* Of html_template.S. */
extern const char html_template_page[], html_template_style[], html_template_script[];
extern const char html_template_style_hash[], html_template_script_hash[];

struct page {
    int fd;
    int error; /* 0, or the -errno of the first write that failed */
    const char *data;
};

static void write_bytes(struct page *page, const char *text, size_t bytes)
{
    while (page->error == 0 && bytes > 0) {
        long got = raw_write(page->fd, text, bytes);
        if (got == -EINTR)
            continue;
        if (raw_failed(got) || got == 0) {
            page->error = got == 0 ? -EIO : (int)got;
            return;
        }
        text += got;
        bytes -= (size_t)got;
    }
}

static const struct {
    const char *name, *text; /* NULL: the data */
} PARTS[] = {
    {"style", html_template_style},
    {"script", html_template_script},
    {"style_hash", html_template_style_hash},
    {"script_hash", html_template_script_hash},
    {"data", NULL},
};

static void write_part(struct page *page, const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
        if (strlen(PARTS[i].name) != name_bytes || memcmp(PARTS[i].name, name, name_bytes) != 0)
            continue;
        const char *text = PARTS[i].text != NULL ? PARTS[i].text : page->data;
        write_bytes(page, text, strlen(text));
    }
}

static void write_page(struct page *page)
{
    static const char OPEN[] = "{{", CLOSE[] = "}}";
    const char *at = html_template_page;
    for (const char *open; (open = strstr(at, OPEN)) != NULL;) {
        const char *name = open + sizeof OPEN - 1;
        const char *close = strstr(name, CLOSE);
        write_bytes(page, at, (size_t)(open - at));
        if (close == NULL)
            return;
        write_part(page, name, (size_t)(close - name));
        at = close + sizeof CLOSE - 1;
    }
    write_bytes(page, at, strlen(at));
}

bool html_report_write(const char *path, const struct html_dump *dumps, uint32_t dumps_count, struct error *error)
{
    struct output_file file;
    char *data = html_data_make(dumps, dumps_count);
    if (data == NULL)
        return error_set(error, "there is no memory for a page of %u dumps; name fewer", dumps_count);
    bool is_written = output_file_open(&file, path, error);
    if (is_written) {
        struct page page = {.fd = file.fd, .data = data};
        write_page(&page);
        is_written = output_file_finish(&file, page.error, error);
    }
    free(data);
    return is_written;
}

/* ---- the edge ---- */

static json_int_t number_at(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* Oldest first; the name decides between equals, so that the order of the arguments does not matter. */
static int compare_dumps(const void *left, const void *right)
{
    const struct html_dump *a = left, *b = right;
    json_int_t a_ns = number_at(json_object_get(a->document, "time"), "unix_ns");
    json_int_t b_ns = number_at(json_object_get(b->document, "time"), "unix_ns");
    json_int_t a_seq = number_at(a->document, "seq"), b_seq = number_at(b->document, "seq");
    if (a_ns != b_ns)
        return a_ns < b_ns ? -1 : 1;
    if (a_seq != b_seq)
        return a_seq < b_seq ? -1 : 1;
    return strcmp(a->file, b->file);
}

static uint32_t load_dumps(struct html_dump *dumps, char **paths, uint32_t count, const struct symbols_options *symbols)
{
    uint32_t loaded = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct error error;
        json_t *document = dump_load_document(paths[i], &error);
        if (document == NULL) {
            command_complain(NAME, paths[i], &error);
            continue;
        }
        json_object_del(document, "events"); /* by far the largest part, which the page does not show */
        printable_clean(paths[i]);
        dumps[loaded++] = (struct html_dump){paths[i], document, symbols};
    }
    qsort(dumps, loaded, sizeof *dumps, compare_dumps);
    return loaded;
}

static enum exit_code write_loaded(const char *path, const struct html_dump *dumps, uint32_t dumps_count)
{
    struct error error;
    if (!html_report_write(path, dumps, dumps_count, &error)) {
        command_complain(NAME, path, &error);
        return EXIT_CODE_UNREADABLE;
    }
    if (strcmp(path, "-") != 0)
        command_tell(NAME, "%s: page of %u dump%s written; open it in a browser", path, dumps_count,
                     dumps_count == 1 ? "" : "s");
    return EXIT_CODE_OK;
}

/* `report --html DUMP DUMP` without the page's name would put a page in a dump's place. */
static bool is_dump_name(const char *path)
{
    static const char ENDING[] = ".json";
    size_t bytes = strlen(path);
    return bytes >= sizeof ENDING - 1 && strcmp(path + bytes - (sizeof ENDING - 1), ENDING) == 0;
}

enum exit_code html_report_run(const char *path, char **dump_paths, uint32_t dumps_count,
                               const struct symbols_options *symbols)
{
    struct error error;
    if (is_dump_name(path))
        return command_refuse_use(NAME, "--html takes the file to write, and '%s' looks like a dump", path);
    struct html_dump *dumps = calloc(dumps_count, sizeof *dumps);
    if (dumps == NULL) {
        error_set(&error, "there is no memory for %u dumps; name fewer", dumps_count);
        command_complain(NAME, path, &error);
        return EXIT_CODE_UNREADABLE;
    }
    uint32_t loaded = load_dumps(dumps, dump_paths, dumps_count, symbols);
    enum exit_code code = loaded == 0 ? EXIT_CODE_UNREADABLE : write_loaded(path, dumps, loaded);
    for (uint32_t i = 0; i < loaded; i++)
        json_decref(dumps[i].document);
    free(dumps);
    return loaded == dumps_count ? code : EXIT_CODE_UNREADABLE;
}
