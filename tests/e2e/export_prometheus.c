/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics of a real dump on their whole way: promtool has nothing to say about them, node-exporter finds them in its
 * textfile directory, Prometheus scrapes node-exporter and has the dump's figures when it is asked.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/e2e/support/deadline.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/export.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/http.h"
#include "tests/e2e/support/program.h"

static struct phase_dumps make_dumps(void)
{
    struct toolchain toolchain = toolchain_newest();
    return phase_dumps_make(&toolchain);
}

static void expect_promtool_content(const char *path)
{
    struct program_setup setup = {.arguments = (const char *[]){"/bin/sh", "-c", "exec \"$0\" check metrics <\"$1\"",
                                                                built_path("prometheus/usr/bin/promtool"), path, NULL}};
    struct program *program = program_run(&setup);
    int status = program_await_end(program);
    cr_expect_eq(status, 0, "promtool ends with %d", status);
    cr_expect_str_empty(program_output(program), "promtool says %s", program_output(program));
    cr_expect_str_empty(program_errors(program), "promtool says %s", program_errors(program));
    program_free(program);
}

Test(export_prometheus, promtool_has_nothing_to_say, .timeout = 300)
{
    char path[PATH_MAX];
    struct phase_dumps dumps = make_dumps();
    struct phase_dump *both[] = {&dumps.full, &dumps.returned};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/metrics.prom", dumps.dir.path);
        export_to("prometheus", both[i]->path, path);
        expect_promtool_content(path);
    }
    phase_dumps_free(&dumps);
}

/* Prometheus' own client library has a parser that follows the standard to the letter: it prints the sum of a family.
 */
Test(export_prometheus, openmetrics_follows_its_standard, .timeout = 300)
{
    static const char PARSE[] =
        "import sys\n"
        "from prometheus_client.openmetrics.parser import text_string_to_metric_families\n"
        "families = {f.name: f for f in text_string_to_metric_families(open(sys.argv[1]).read())}\n"
        "print('resident', int(sum(s.value for s in families['gopagewatch_resident_bytes'].samples)))\n"
        "print('types', families['gopagewatch_gc_cycles'].type, families['gopagewatch_dump'].type,\n"
        "      families['gopagewatch_rss_bytes'].type, families['gopagewatch_rss_bytes'].unit)\n";
    char path[PATH_MAX], line[64];
    struct phase_dumps dumps = make_dumps();
    snprintf(path, sizeof path, "%s/metrics", dumps.dir.path);
    export_to("openmetrics", dumps.full.path, path);
    struct program_setup setup = {.arguments = (const char *[]){"/usr/bin/python3", "-c", PARSE, path, NULL}};
    struct program *program = program_run(&setup);
    cr_assert_eq(program_await_end(program), 0, "%s", program_errors(program));
    snprintf(line, sizeof line, "resident %" PRIu64 "\n", dump_resident_sum(dumps.full.dump));
    cr_expect_not_null(strstr(program_output(program), line), "no %s in %s", line, program_output(program));
    cr_expect_not_null(strstr(program_output(program), "types counter info gauge bytes\n"), "%s",
                       program_output(program));
    program_free(program);
    phase_dumps_free(&dumps);
}

/* ---- the real ones ---- */

static struct program *start_node_exporter(const char *directory, unsigned port)
{
    char textfiles[PATH_MAX + 64], listen[64];
    snprintf(textfiles, sizeof textfiles, "--collector.textfile.directory=%s", directory);
    snprintf(listen, sizeof listen, "--web.listen-address=127.0.0.1:%u", port);
    struct program_setup setup = {
        .arguments = (const char *[]){built_path("prometheus/usr/bin/prometheus-node-exporter"),
                                      "--collector.disable-defaults", "--collector.textfile", textfiles, listen, NULL}};
    struct program *program = program_start(&setup);
    char listening[64];
    snprintf(listening, sizeof listening, "127.0.0.1:%u", port);
    program_await_error(program, listening);
    return program;
}

static struct program *start_prometheus(const char *directory, unsigned port, unsigned target_port)
{
    char config[PATH_MAX], config_option[PATH_MAX + 16], data[PATH_MAX], listen[64];
    snprintf(config, sizeof config, "%s/prometheus.yml", directory);
    FILE *file = fopen(config, "we");
    must(file != NULL, "%s", config);
    fprintf(file,
            "global: {scrape_interval: 250ms, scrape_timeout: 250ms}\n"
            "scrape_configs: [{job_name: node, static_configs: [{targets: ['127.0.0.1:%u']}]}]\n",
            target_port);
    must(fclose(file) == 0, "%s", config);
    snprintf(config_option, sizeof config_option, "--config.file=%s", config);
    snprintf(data, sizeof data, "--storage.tsdb.path=%s/data", directory);
    snprintf(listen, sizeof listen, "--web.listen-address=127.0.0.1:%u", port);
    struct program_setup setup = {
        .arguments = (const char *[]){built_path("prometheus/usr/bin/prometheus"), config_option, data, listen, NULL}};
    struct program *program = program_start(&setup);
    program_await_error(program, "Server is ready to receive web requests");
    return program;
}

/* What Prometheus has under that name now: a list of {"metric": labels, "value": [time, text]}. For json_decref. */
static json_t *query(unsigned port, const char *name)
{
    char path[256];
    struct text answer = {0};
    snprintf(path, sizeof path, "/api/v1/query?query=%s", name);
    json_t *document = json_loads(http_get(port, path, &answer), 0, NULL);
    json_t *result = json_object_get(json_object_get(document, "data"), "result");
    if (!json_is_array(result))
        fail("Prometheus answers %s", text_string(&answer));
    json_incref(result);
    json_decref(document);
    text_free(&answer);
    return result;
}

/* Asks until it has been scraped. */
static json_t *await_series(unsigned port, const char *name)
{
    struct deadline deadline = deadline_usual();
    for (;;) {
        json_t *result = query(port, name);
        if (json_array_size(result) > 0)
            return result;
        json_decref(result);
        if (deadline_left_ms(deadline) == 0)
            fail("Prometheus never gets %s", name);
        sched_yield();
    }
}

static const char *series_label(const json_t *series, const char *name)
{
    const char *value = json_string_value(json_object_get(json_object_get(series, "metric"), name));
    cr_assert_not_null(value, "a series has no label %s", name);
    return value;
}

static uint64_t series_value(const json_t *series)
{
    const char *text = json_string_value(json_array_get(json_object_get(series, "value"), 1));
    cr_assert_not_null(text);
    return (uint64_t)strtod(text, NULL);
}

static void expect_classes(unsigned port, const json_t *dump, const char *metric, const char *sizes)
{
    size_t index;
    json_t *series;
    char pid[24];
    snprintf(pid, sizeof pid, "%" PRIu64, dump_number(dump, "process/pid"));
    json_t *result = await_series(port, metric);
    cr_expect_eq(json_array_size(result), json_object_size(dump_at(dump, "rss/classes")), "%s", metric);
    json_array_foreach(result, index, series)
    {
        const char *class_name = series_label(series, "class");
        cr_expect_eq(series_value(series), dump_class(dump, class_name, sizes), "%s of %s", metric, class_name);
        cr_expect_str_eq(series_label(series, "comm"), "mapdemo");
        cr_expect_str_eq(series_label(series, "pid"), pid);
        cr_expect_str_eq(series_label(series, "job"), "node");
    }
    json_decref(result);
}

static void expect_number(unsigned port, const char *metric, uint64_t number)
{
    json_t *result = await_series(port, metric);
    cr_assert_eq(json_array_size(result), 1u, "%s", metric);
    cr_expect_eq(series_value(json_array_get(result, 0)), number, "%s", metric);
    json_decref(result);
}

Test(export_prometheus, prometheus_gets_the_figures_by_way_of_node_exporter, .timeout = 180)
{
    char textfiles[PATH_MAX], path[PATH_MAX + 16];
    struct stat status;
    struct phase_dumps dumps = make_dumps();
    snprintf(textfiles, sizeof textfiles, "%s/textfiles", dumps.dir.path);
    must(mkdir(textfiles, 0755) == 0, "%s", textfiles);
    snprintf(path, sizeof path, "%s/mapdemo.prom", textfiles);
    export_to("prometheus", dumps.full.path, path);
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0644u, "another user's node-exporter could not read it");

    unsigned exporter_port = http_free_port(), port = http_free_port();
    struct program *node_exporter = start_node_exporter(textfiles, exporter_port);
    struct program *prometheus = start_prometheus(dumps.dir.path, port, exporter_port);
    const json_t *dump = dumps.full.dump;
    expect_classes(port, dump, "gopagewatch_resident_bytes", "resident");
    expect_classes(port, dump, "gopagewatch_mapped_bytes", "mapped");
    expect_classes(port, dump, "gopagewatch_swapped_bytes", "swapped");
    expect_classes(port, dump, "gopagewatch_huge_bytes", "huge");
    expect_classes(port, dump, "gopagewatch_lazyfree_bytes", "lazyfree");
    expect_number(port, "gopagewatch_rss_bytes", dump_number(dump, "rss/total"));
    expect_number(port, "gopagewatch_explained_bytes", dump_number(dump, "rss/explained"));
    expect_number(port, "gopagewatch_gc_cycles_total", dump_number(dump, "go/heaps/0/gc/cycle"));
    expect_number(port, "gopagewatch_dump_timestamp_seconds", dump_number(dump, "time/unix_ns") / 1000000000);
    expect_number(port, "node_textfile_scrape_error", 0);

    program_signal(prometheus, SIGTERM);
    cr_expect_eq(program_await_end(prometheus), 0);
    program_signal(node_exporter, SIGTERM);
    program_await_end(node_exporter);
    program_free(prometheus);
    program_free(node_exporter);
    phase_dumps_free(&dumps);
}
