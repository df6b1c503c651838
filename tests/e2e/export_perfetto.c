/* SPDX-License-Identifier: Apache-2.0
 *
 * The time line of two real dumps: the events are the newest dump's, one by one, and the counters are the dumps' books.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/export.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/program.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static bool is_call(const json_t *event)
{
    return strcmp(text_of(event, "ph"), "i") == 0 && strcmp(text_of(event, "cat"), "dump") != 0;
}

static json_t *argument(const json_t *event, const char *key)
{
    return json_object_get(json_object_get(event, "args"), key);
}

static void expect_keys(const json_t *events)
{
    size_t index;
    json_t *event;
    json_array_foreach(events, index, event)
    {
        cr_assert(strlen(text_of(event, "ph")) == 1 && json_is_number(json_object_get(event, "ts")) &&
                      json_number_value(json_object_get(event, "ts")) >= 0 &&
                      json_is_integer(json_object_get(event, "pid")) &&
                      json_integer_value(json_object_get(event, "tid")) > 0 && text_of(event, "name")[0] != '\0',
                  "event %zu", index);
    }
}

/* What stands in that column of a row. */
static json_t *cell(const json_t *dump, const json_t *row, const char *column)
{
    size_t index;
    json_t *name;
    json_array_foreach(json_object_get(json_object_get(dump, "events"), "columns"), index, name)
    {
        if (strcmp(json_string_value(name), column) == 0)
            return json_array_get(row, index);
    }
    return NULL;
}

static bool is_same_call(const json_t *dump, const json_t *row, const json_t *event)
{
    static const char *const ARGUMENTS[] = {"start", "bytes", "detail", "errno", "site"};
    double ns = json_number_value(json_object_get(event, "ts")) * 1000 -
                (double)json_integer_value(cell(dump, row, "since_start_ns"));
    json_int_t tid = json_integer_value(cell(dump, row, "tid"));
    bool is_same = ns > -1 && ns < 1 &&
                   json_integer_value(json_object_get(event, "tid")) == (tid != 0 ? tid : 4194304) &&
                   strcmp(text_of(event, "cat"), json_string_value(cell(dump, row, "by"))) == 0 &&
                   strstr(text_of(event, "name"), json_string_value(cell(dump, row, "op"))) == text_of(event, "name");
    for (size_t i = 0; i < sizeof ARGUMENTS / sizeof ARGUMENTS[0]; i++)
        is_same &= json_equal(argument(event, ARGUMENTS[i]), cell(dump, row, ARGUMENTS[i])) != 0;
    return is_same;
}

static void expect_calls(const json_t *events, const json_t *dump)
{
    size_t index, calls = 0;
    json_t *event;
    const json_t *rows = json_object_get(json_object_get(dump, "events"), "rows");
    json_array_foreach(events, index, event)
    {
        if (!is_call(event))
            continue;
        cr_assert(is_same_call(dump, json_array_get(rows, calls), event), "call %zu is another one", calls);
        calls++;
    }
    cr_expect_gt(calls, 20u);
    cr_expect_eq(calls, json_array_size(rows));
}

/* The number-th counter of that name. */
static uint64_t counter(const json_t *events, const char *name, size_t number)
{
    size_t index;
    json_t *event;
    json_array_foreach(events, index, event)
    {
        if (strcmp(text_of(event, "ph"), "C") == 0 && strcmp(text_of(event, "name"), name) == 0 && number-- == 0)
            return (uint64_t)json_integer_value(argument(event, "bytes"));
    }
    cr_assert_fail("no counter %s", name);
    return 0;
}

static void expect_counters(const json_t *events, const json_t *dump, size_t number)
{
    const char *name;
    json_t *class;
    uint64_t sum = 0;
    json_object_foreach((json_t *)dump_at(dump, "rss/classes"), name, class)
    {
        cr_expect_eq(counter(events, name, number), dump_class_resident(dump, name), "%s", name);
        sum += counter(events, name, number);
    }
    cr_expect_eq(sum, dump_resident_sum(dump));
    cr_expect_eq(counter(events, "rss.total", number), dump_number(dump, "rss/total"));
}

/* A call whose name begins so, with that function on its stack. */
static bool has_call_from(const json_t *events, const char *name, const char *function)
{
    size_t index, place;
    json_t *event, *frame;
    json_array_foreach(events, index, event)
    {
        json_array_foreach(argument(event, "stack"), place, frame)
        {
            if (strncmp(text_of(event, "name"), name, strlen(name)) == 0 &&
                strcmp(json_string_value(frame), function) == 0)
                return true;
        }
    }
    return false;
}

static json_t *export_line(const char *directory, const char *line)
{
    char path[PATH_MAX];
    json_error_t error;
    struct program *program = gopagewatch_shell(directory, line);
    cr_assert_eq(program_await_end(program), 0, "%s: %s", line, program_errors(program));
    program_free(program);
    snprintf(path, sizeof path, "%s/trace.json", directory);
    json_t *trace = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(trace, "%s", error.text);
    return trace;
}

TOOLCHAIN_TEST(export_perfetto, time_line_is_that_of_the_dumps, .timeout = 300)
{
    struct phase_dumps dumps = phase_dumps_make(toolchain);
    json_t *trace =
        export_line(dumps.dir.path, "$G export perfetto returned.json full.json -o trace.json"); /* newest first */
    const json_t *events = json_object_get(trace, "traceEvents");
    expect_keys(events);
    expect_calls(events, dumps.returned.dump);
    expect_counters(events, dumps.full.dump, 0);
    expect_counters(events, dumps.returned.dump, 1);
    cr_expect(has_call_from(events, "madvise DONTNEED", "runtime/debug.FreeOSMemory"));
    cr_expect(has_call_from(events, "mmap rw-", "c_memory_fill_mmap"));
    json_decref(trace);
    phase_dumps_free(&dumps);
}

/* The program is gone from its place: a dump names it elsewhere, and --symbols brings the names back. */
Test(export_perfetto, names_come_from_the_directories_of_symbols, .timeout = 300)
{
    char line[3 * PATH_MAX];
    struct toolchain toolchain = toolchain_newest();
    struct phase_dumps dumps = phase_dumps_make(&toolchain);
    const char *app = app_path(&toolchain, "mapdemo");
    snprintf(line, sizeof line, "sed 's|%s|/gone/mapdemo|g' returned.json >moved.json && mkdir bin && cp %s bin && ",
             app, app);
    strcat(line, "$G export perfetto moved.json -o trace.json");
    json_t *without = export_line(dumps.dir.path, line);
    cr_expect_not(has_call_from(json_object_get(without, "traceEvents"), "mmap rw-", "c_memory_fill_mmap"));
    json_t *with = export_line(dumps.dir.path, "$G export perfetto --symbols . --symbols bin moved.json -o trace.json");
    cr_expect(has_call_from(json_object_get(with, "traceEvents"), "mmap rw-", "c_memory_fill_mmap"));
    struct program *report =
        gopagewatch_shell(dumps.dir.path, "$G report moved.json | grep -c c_memory_fill_mmap; "
                                          "$G report --symbols bin moved.json | grep -c c_memory_fill_mmap");
    cr_expect_str_eq(program_output(report), "0\n1\n");
    program_free(report);
    json_decref(without);
    json_decref(with);
    phase_dumps_free(&dumps);
}
