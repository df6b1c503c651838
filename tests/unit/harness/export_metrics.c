/* SPDX-License-Identifier: Apache-2.0
 *
 * Both formats of metrics, by whole lines. That Prometheus reads them is tested with Prometheus
 * (tests/e2e/export_prometheus.c).
 */
#include "exported.h"

static unsigned count(const char *text, const char *part)
{
    unsigned found = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        found++;
    return found;
}

static void expect_part(const char *format, const struct change *changes, const char *part, unsigned times)
{
    struct exported exported = export_changed(format, changes);
    cr_expect_eq(count(exported.bytes, part), times, "%s: not %u times \"%s\" in:\n%s", format, times, part,
                 exported.bytes);
    exported_free(&exported);
}

static void expect_in_both(const struct change *changes, const char *part, unsigned times)
{
    expect_part("prometheus", changes, part, times);
    expect_part("openmetrics", changes, part, times);
}

#define PROCESS "{comm=\"shop\",pid=\"4711\""

Test(export_metrics, series_hold_the_numbers_of_the_dump)
{
    static const char *const LINES[] = {
        "\ngopagewatch_resident_bytes" PROCESS ",class=\"go.heap\"} 60801024\n",
        "\ngopagewatch_mapped_bytes" PROCESS ",class=\"go.reserved\"} 1048576\n",
        "\ngopagewatch_resident_bytes" PROCESS ",class=\"c.mmap\"} 0\n",
        "\ngopagewatch_swapped_bytes" PROCESS ",class=\"libs\"} 0\n",
        "\ngopagewatch_huge_bytes" PROCESS ",class=\"libs\"} 0\n",
        "\ngopagewatch_lazyfree_bytes" PROCESS ",class=\"libs\"} 0\n",
        "\ngopagewatch_rss_bytes" PROCESS "} 62922752\n",
        "\ngopagewatch_rss_peak_bytes" PROCESS "} 73400320\n",
        "\ngopagewatch_explained_bytes" PROCESS "} 62898176\n",
        "\ngopagewatch_gc_cycles_total" PROCESS ",runtime=\"0\"} 12\n",
        "\ngopagewatch_gc_goal_bytes" PROCESS ",runtime=\"0\"} 41943040\n",
        "\ngopagewatch_gc_live_bytes" PROCESS ",runtime=\"0\"} 20971520\n",
        "\ngopagewatch_gc_memory_limit_bytes" PROCESS ",runtime=\"0\"} 1073741824\n",
        "\ngopagewatch_dump_timestamp_seconds" PROCESS "} 1795404361.123456789\n",
        "\ngopagewatch_dump_info" PROCESS ",host=\"web-3\",go_version=\"go1.26.10\",reason=\"signal\",label=\"\"} 1\n",
    };
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++)
        expect_in_both(CHANGES(), LINES[i], 1);
    expect_in_both(CHANGES(), "\ngopagewatch_resident_bytes" PROCESS, CLASS_COUNT);
}

Test(export_metrics, families_are_introduced_by_the_rules_of_each_format)
{
    expect_part("prometheus", CHANGES(),
                "# HELP gopagewatch_gc_cycles_total Completed mark phases since the start, for each Go runtime.\n"
                "# TYPE gopagewatch_gc_cycles_total counter\n"
                "gopagewatch_gc_cycles_total{",
                1);
    expect_part("openmetrics", CHANGES(),
                "# TYPE gopagewatch_gc_cycles counter\n"
                "# HELP gopagewatch_gc_cycles Completed mark phases since the start, for each Go runtime.\n"
                "gopagewatch_gc_cycles_total{",
                1);
    expect_part("openmetrics", CHANGES(),
                "# TYPE gopagewatch_rss_bytes gauge\n"
                "# UNIT gopagewatch_rss_bytes bytes\n"
                "# HELP gopagewatch_rss_bytes ",
                1);
    expect_part("prometheus", CHANGES(), "# TYPE gopagewatch_dump_info gauge\n", 1);
    expect_part("openmetrics", CHANGES(), "# TYPE gopagewatch_dump info\n", 1);
    expect_part("prometheus", CHANGES(), "# UNIT", 0);
}

Test(export_metrics, openmetrics_ends_with_its_mark)
{
    static const char MARK[] = "\n# EOF\n";
    struct exported exported = export_changed("openmetrics", CHANGES());
    cr_assert(exported.count > sizeof MARK);
    cr_expect_str_eq(exported.bytes + exported.count - strlen(MARK), MARK);
    exported_free(&exported);
    expect_part("prometheus", CHANGES(), "EOF", 0);
}

Test(export_metrics, texts_are_escaped)
{
    const struct change *changes = CHANGES({"process/comm", "\"a\\\"b\\\\c\\nd{}\\u00e9\""}, {"label", "\"x\\ty\""});
    /* A line break is no printable character, so the dump has none any more. */
    expect_in_both(changes, "gopagewatch_rss_bytes{comm=\"a\\\"b\\\\c?d{}\xc3\xa9\",pid=\"4711\"} 62922752\n", 1);
    expect_in_both(changes, ",label=\"x?y\"} 1\n", 1);
}

Test(export_metrics, what_is_not_known_has_no_series)
{
    expect_in_both(CHANGES({"rss/peak", "null"}), "gopagewatch_rss_peak_bytes", 0);
    expect_in_both(CHANGES({"go/heaps/0/layout", "null"}), "gopagewatch_gc_", 0);
    expect_in_both(CHANGES({"go/heaps/0/gc/memory_limit", "null"}), "gopagewatch_gc_memory_limit_bytes", 0);
    expect_in_both(CHANGES({"process/comm", "null"}), "gopagewatch_rss_bytes{comm=\"\",pid=\"4711\"} ", 1);
}

#define FINDING(id, bytes) "{\"id\":\"" id "\",\"bytes\":" #bytes ",\"text\":\"\",\"advice\":\"\",\"evidence\":{}}"

Test(export_metrics, a_series_is_there_once)
{
    expect_in_both(CHANGES({"findings", "[" FINDING("a", 3) "," FINDING("b", 2) "," FINDING("a", 1) "]"}),
                   "gopagewatch_finding_bytes" PROCESS ",finding=\"a\"} ", 1);
    expect_in_both(CHANGES({"findings", "[" FINDING("a", 3) "," FINDING("b", 2) "]"}), "finding=\"b\"} 2\n", 1);
    const struct change *changes =
        CHANGES({"rss/classes/x\x01", SIZES(0, 1, 0, 0, 0)}, {"rss/classes/x\x02", SIZES(0, 2, 0, 0, 0)});
    expect_in_both(changes, "gopagewatch_resident_bytes" PROCESS ",class=\"x?\"} ", 1);
}

Test(export_metrics, processes_are_told_apart_and_stand_together)
{
    struct dump dumps[] = {changed_dump(CHANGES()), changed_dump(CHANGES({"process/pid", "5"}, {"rss/total", "77"}))};
    struct exported exported = export_dumps("prometheus", dumps, 2);
    cr_expect_not_null(strstr(exported.bytes, "# TYPE gopagewatch_rss_bytes gauge\n"
                                              "gopagewatch_rss_bytes" PROCESS "} 62922752\n"
                                              "gopagewatch_rss_bytes{comm=\"shop\",pid=\"5\"} 77\n"));
    cr_expect_eq(count(exported.bytes, "# TYPE gopagewatch_rss_bytes "), 1u);
    exported_free(&exported);
    dump_free(&dumps[0]);
    dump_free(&dumps[1]);
}

Test(export_metrics, two_dumps_of_one_process_are_refused)
{
    struct dump dumps[] = {changed_dump(CHANGES()), changed_dump(CHANGES({"process/comm", "\"other\""})),
                           changed_dump(CHANGES({"seq", "9"}))};
    struct error error;
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    cr_expect_not(export_prometheus_write(out, &(struct export_input){.dumps = dumps, .dumps_count = 3}, &error));
    cr_expect_str_eq(error.text,
                     "two dumps are of shop (pid 4711), so their series would be the same; give the later one only");
    cr_expect(export_prometheus_write(out, &(struct export_input){.dumps = dumps, .dumps_count = 2}, &error));
    fclose(out);
    free(text);
    for (int i = 0; i < 3; i++)
        dump_free(&dumps[i]);
}
