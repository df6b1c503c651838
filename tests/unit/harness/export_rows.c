/* SPDX-License-Identifier: Apache-2.0
 *
 * The formats of lines: Go benchmarks, JSON rows, folded stacks.
 */
#include "exported.h"

#include <ctype.h>
#include <inttypes.h>

static void expect_text(const char *format, const struct change *changes, const char *part)
{
    struct exported exported = export_changed(format, changes);
    cr_expect_not_null(strstr(exported.bytes, part), "%s: no \"%s\" in:\n%s", format, part, exported.bytes);
    exported_free(&exported);
}

/* ---- gobench ---- */

Test(export_gobench, classes_are_benchmarks)
{
    expect_text("gobench", CHANGES(),
                "goos: linux\n"
                "goarch: amd64\n"
                "pkg: shop\n"
                "BenchmarkRSS 1 62922752 rss-bytes 73400320 peak-rss-bytes\n"
                "BenchmarkRSS/class=go.objects 1 0 resident-bytes 0 mapped-bytes\n");
    expect_text("gobench", CHANGES(), "\nBenchmarkRSS/class=go.heap 1 60801024 resident-bytes 67108864 mapped-bytes\n");
    expect_text("gobench", CHANGES({"rss/peak", "null"}), "\nBenchmarkRSS 1 62922752 rss-bytes\n");
    expect_text("gobench", CHANGES({"environment/machine", "\"aarch64\""}), "\ngoarch: arm64\n");
    expect_text("gobench", CHANGES({"environment/machine", "\"riscv64\""}), "\ngoarch: riscv64\n");
    expect_text("gobench", CHANGES({"rss/classes/a b", SIZES(1, 2, 0, 0, 0)}), "\nBenchmarkRSS/class=a_b 1 2 ");
}

/* "key: value" with a key in lower case, or a name that begins with Benchmark and pairs of number and unit. */
static bool is_benchmark_line(char *line)
{
    char *rest = NULL, *word = strtok_r(line, " ", &rest);
    if (word == NULL)
        return false;
    if (islower((unsigned char)word[0]))
        return word[strlen(word) - 1] == ':';
    unsigned words = 0;
    if (strncmp(word, "BenchmarkRSS", 12) != 0)
        return false;
    for (; (word = strtok_r(NULL, " ", &rest)) != NULL; words++) {
        bool is_number = word[strspn(word, "0123456789")] == '\0';
        bool wants_number = words == 0 || words % 2 == 1;
        if (is_number != wants_number)
            return false;
    }
    return words >= 3 && words % 2 == 1;
}

Test(export_gobench, every_line_is_one_of_the_format)
{
    struct dump dumps[] = {changed_dump(CHANGES({"rss/classes/a b", SIZES(1, 2, 0, 0, 0)}, {"process/comm", "\"\""})),
                           changed_dump(CHANGES({"process/comm", "null"}, {"environment/machine", "null"}))};
    struct exported exported = export_dumps("gobench", dumps, 2);
    unsigned totals = 0;
    char *rest = NULL;
    for (char *line = strtok_r(exported.bytes, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        totals += strncmp(line, "BenchmarkRSS ", 13) == 0;
        cr_expect(is_benchmark_line(line), "%s", line);
    }
    cr_expect_eq(totals, 2u, "two dumps are two samples of one benchmark");
    exported_free(&exported);
    dump_free(&dumps[0]);
    dump_free(&dumps[1]);
}

/* ---- ndjson ---- */

/* The row of that kind whose `key` is `value`, or the first where `key` is NULL. Every line is seen to be an object
 * with the columns that say which dump it is of. */
static json_t *row_of(const char *text, const char *kind, const char *key, const json_t *value)
{
    static const char *const COLUMNS[] = {"kind", "time", "unix_ns",    "host", "comm",
                                          "pid",  "seq",  "go_version", "label"};
    json_t *found = NULL;
    while (*text != '\0') {
        json_error_t error;
        const char *end = strchr(text, '\n');
        cr_assert_not_null(end, "the last line has no end");
        json_t *row = json_loadb(text, (size_t)(end - text), JSON_REJECT_DUPLICATES, &error);
        cr_assert(json_is_object(row), "%s: %.200s", error.text, text);
        for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++)
            cr_expect_not_null(json_object_get(row, COLUMNS[i]), "no %s: %.200s", COLUMNS[i], text);
        const char *name;
        json_t *column;
        json_object_foreach(row, name, column)
            cr_expect_not(json_is_object(column) || json_is_array(column), "%s is not flat", name);
        bool is_it = strcmp(json_string_value(json_object_get(row, "kind")), kind) == 0 &&
                     (key == NULL || json_equal(json_object_get(row, key), value));
        if (is_it && found == NULL)
            found = json_incref(row);
        json_decref(row);
        text = end + 1;
    }
    cr_assert_not_null(found, "no row of kind %s", kind);
    return found;
}

static void expect_columns(const struct change *changes, const char *kind, const char *key, const char *value_json,
                           const char *columns)
{
    struct exported exported = export_changed("ndjson", changes);
    json_t *value = value_json == NULL ? NULL : json_loads(value_json, JSON_DECODE_ANY, NULL);
    json_t *row = row_of(exported.bytes, kind, key, value);
    json_t *wanted = json_loads(columns, 0, NULL);
    const char *name;
    json_t *column;
    cr_assert_not_null(wanted, "%s", columns);
    json_object_foreach(wanted, name, column)
        cr_expect(json_equal(json_object_get(row, name), column), "%s of %s is not as wanted", name, kind);
    json_decref(wanted);
    json_decref(value);
    json_decref(row);
    exported_free(&exported);
}

Test(export_ndjson, rows_hold_the_numbers_of_the_dump)
{
    expect_columns(CHANGES(), "process", NULL, NULL,
                   "{\"time\":\"2026-11-23T03:26:01.123456789Z\",\"unix_ns\":1795404361123456789,\"host\":\"web-3\","
                   "\"comm\":\"shop\",\"pid\":4711,\"go_version\":\"go1.26.10\",\"seq\":3,\"label\":\"\","
                   "\"rss_bytes\":62922752,\"rss_peak_bytes\":73400320,\"explained_bytes\":62898176,"
                   "\"mapped_bytes\":72368128,\"resident_bytes\":62914560,\"threads\":9}");
    expect_columns(CHANGES(), "class", "class", "\"go.heap\"",
                   "{\"mapped_bytes\":67108864,\"resident_bytes\":60801024,\"swapped_bytes\":0,\"huge_bytes\":0,"
                   "\"lazyfree_bytes\":0,\"pid\":4711}");
    expect_columns(CHANGES(), "size_class", "slot_bytes", "64",
                   "{\"spans\":30,\"slots\":3840,\"objects\":2990,\"object_bytes\":191360,\"mapped_bytes\":245760,"
                   "\"resident_bytes\":245760,\"sparse_bytes\":32768}");
    expect_columns(CHANGES(), "large", NULL, NULL,
                   "{\"spans\":10,\"object_bytes\":41943040,\"resident_bytes\":20971520,\"untouched_bytes\":20971520}");
    expect_columns(CHANGES({"findings", "[{\"id\":\"lazyfree\",\"bytes\":9,\"text\":\"\",\"advice\":\"\","
                                        "\"evidence\":{}}]"}),
                   "finding", "finding", "\"lazyfree\"", "{\"finding_bytes\":9}");
}

Test(export_ndjson, unknown_is_null_and_text_is_escaped)
{
    expect_columns(CHANGES({"rss/peak", "null"}, {"process/host", "null"}, {"label", "\"a\\\"b\\\\c\\u00e9\\u0001\""}),
                   "process", NULL, NULL, "{\"rss_peak_bytes\":null,\"host\":null,\"label\":\"a\\\"b\\\\c\\u00e9?\"}");
}

/* ---- folded ---- */

Test(export_folded, lines_are_stacks_and_bytes)
{
    struct exported exported = export_changed("folded", CHANGES());
    cr_expect_str_eq(exported.bytes, "[resident];go.heap;span not known 60801024\n"
                                     "[resident];libs;mapping not told 2097152\n"
                                     "[resident];other;mapping not told 16384\n");
    exported_free(&exported);
}

Test(export_folded, names_do_not_break_the_stack)
{
    expect_text("folded", CHANGES({"maps/0/class", "\"libs\""}, {"maps/0/name", "\"/lib/a;b\\nc d.so\""}),
                "\n[resident];libs;a,b?c d.so 2097152\n");
}
