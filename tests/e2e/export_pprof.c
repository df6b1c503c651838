/* SPDX-License-Identifier: Apache-2.0
 *
 * Profiles of real dumps, read by `go tool pprof` of the oldest and the newest toolchain: its figures are the dump's.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/export.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/text.h"
#include "tests/e2e/support/watched.h"

enum { ARGUMENTS_MAX = 8 };

/* A toolchain's pprof and its answers. Up to go1.24 it comes with the toolchain; later ones build it when it is first
 * asked for and keep it in their cache (make pprof). */
struct pprof {
    struct toolchain toolchain;
    struct phase_dumps dumps;
    char full[PATH_MAX], returned[PATH_MAX]; /* profiles */
};

static struct pprof prepare(struct toolchain toolchain)
{
    struct pprof pprof = {.toolchain = toolchain, .dumps = phase_dumps_make(&toolchain)};
    snprintf(pprof.full, sizeof pprof.full, "%s/full.pb.gz", pprof.dumps.dir.path);
    snprintf(pprof.returned, sizeof pprof.returned, "%s/returned.pb.gz", pprof.dumps.dir.path);
    export_to("pprof", pprof.dumps.full.path, pprof.full);
    export_to("pprof", pprof.dumps.returned.path, pprof.returned);
    return pprof;
}

/* `arguments`: NULL at the end. For free. It must say nothing on standard error, where it would complain. */
static char *run(const struct pprof *pprof, const char *const *arguments)
{
    char go[64], cache[64], cache_variable[PATH_MAX + 16], home[PATH_MAX];
    snprintf(go, sizeof go, "go/%s/bin/go", pprof->toolchain.version);
    snprintf(cache, sizeof cache, "gocache/%s/packages", pprof->toolchain.version);
    snprintf(cache_variable, sizeof cache_variable, "GOCACHE=%s", built_path(cache));
    snprintf(home, sizeof home, "HOME=%s", pprof->dumps.dir.path);
    const char *all[ARGUMENTS_MAX + 8] = {built_path(go),     "tool", "pprof", "-unit=B", "-nodefraction=0",
                                          "-nodecount=100000"};
    size_t count = 6;
    for (; *arguments != NULL; arguments++) {
        cr_assert(count < ARGUMENTS_MAX + 7);
        all[count++] = *arguments;
    }
    struct program_setup setup = {
        .arguments = all,
        .environment = (const char *[]){cache_variable, home, "GOTOOLCHAIN=local", "GOFLAGS=", "GOENV=off", NULL},
    };
    struct program *program = program_run(&setup);
    int status = program_await_end(program);
    cr_assert_eq(status, 0, "go%s tool pprof: %s%s", pprof->toolchain.version, program_output(program),
                 program_errors(program));
    cr_expect_str_empty(program_errors(program), "go%s tool pprof says %s", pprof->toolchain.version,
                        program_errors(program));
    char *output = strdup(program_output(program));
    program_free(program);
    return output;
}

/* In the table of -top, the bytes of that name: flat (column 0) or with all below it (column 3). 0: it has no line. */
static int64_t top(const char *table, const char *name, int column)
{
    size_t name_bytes = strlen(name);
    for (const char *line = table; *line != '\0';) {
        const char *end = line + strcspn(line, "\n");
        if ((size_t)(end - line) > name_bytes + 2 && strncmp(end - name_bytes, name, name_bytes) == 0 &&
            strncmp(end - name_bytes - 2, "  ", 2) == 0) {
            for (; column > 0; column--) {
                line += strspn(line, " ");
                line += strcspn(line, " ");
            }
            return strtoll(line, NULL, 10);
        }
        line = *end == '\0' ? end : end + 1;
    }
    return 0;
}

static const char *const SIZES[][2] = {
    {"resident_space", "resident"},
    {"swapped_space", "swapped"},
    {"hugepage_space", "huge"},
    {"lazyfree_space", "lazyfree"},
};

static void expect_dump_in_top(const struct pprof *pprof)
{
    const char *name;
    json_t *class;
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        char sample_index[64];
        snprintf(sample_index, sizeof sample_index, "-sample_index=%s", SIZES[i][0]);
        char *table = run(pprof, (const char *[]){"-top", sample_index, pprof->full, NULL});
        json_object_foreach((json_t *)dump_at(pprof->dumps.full.dump, "rss/classes"), name, class)
        {
            uint64_t bytes = dump_class(pprof->dumps.full.dump, name, SIZES[i][1]);
            cr_expect_eq(top(table, name, 3), (int64_t)bytes, "%s of %s is not %" PRIu64 " in:\n%s", SIZES[i][1], name,
                         bytes, table);
        }
        free(table);
    }
    /* What the samples are called, and the type that is shown when none is asked for. */
    char *table = run(pprof, (const char *[]){"-top", pprof->full, NULL});
    cr_expect_not_null(strstr(table, "Type: resident_space\n"));
    cr_expect_not_null(strstr(table, "File: mapdemo\n"));
    cr_expect_eq(top(table, "[resident]", 3), (int64_t)dump_resident_sum(pprof->dumps.full.dump));
    int64_t c_mmap_bytes = (int64_t)dump_class_resident(pprof->dumps.full.dump, "c.mmap");
    cr_expect_gt(c_mmap_bytes, 4 << 20);
    cr_expect_eq(top(table, "mmap by C", 3), c_mmap_bytes, "%s", table);
    cr_expect_eq(top(table, "c_memory_fill_mmap", 0), c_mmap_bytes, "it was C: %s", table);
    cr_expect_eq(top(table, "main._Cfunc_c_memory_fill_mmap", 3), c_mmap_bytes, "called by Go: %s", table);
    cr_expect_gt(top(table, "span structs", 0), 0, "%s", table);
    free(table);
}

static void expect_released(const struct pprof *pprof)
{
    uint64_t bytes = dump_class(pprof->dumps.returned.dump, "go.released", "mapped");
    cr_assert_gt(bytes, 30u << 20, "mapdemo gave nothing back");
    char *table = run(pprof, (const char *[]){"-top", "-sample_index=released_space", pprof->returned, NULL});
    cr_expect_eq(top(table, "go.released", 3), (int64_t)bytes, "%s", table);
    free(table);
}

static void expect_tags(const struct pprof *pprof)
{
    char line[64];
    const json_t *dump = pprof->dumps.full.dump;
    char *tags = run(pprof, (const char *[]){"-tags", pprof->full, NULL});
    snprintf(line, sizeof line, "): go%s", dump_text(dump, "environment/go_version") + 2);
    cr_expect_not_null(strstr(tags, line), "no %s in %s", line, tags);
    snprintf(line, sizeof line, "): %" PRIu64 "\n", dump_number(dump, "process/pid"));
    cr_expect_not_null(strstr(tags, line), "no %s in %s", line, tags);
    cr_expect_not_null(strstr(tags, " class: Total "));
    /* "  47017984.0B (58.18%): go.objects", without the fraction in later versions */
    const char *found = strstr(tags, "): go.objects\n");
    cr_assert_not_null(found, "%s", tags);
    while (found > tags && found[-1] != '\n')
        found--;
    cr_expect_eq(strtoull(found, NULL, 10), dump_class_resident(dump, "go.objects"), "%s", tags);
    free(tags);
}

static void expect_difference(const struct pprof *pprof)
{
    const char *name;
    json_t *class;
    char *table = run(pprof, (const char *[]){"-top", "-diff_base", pprof->full, pprof->returned, NULL});
    json_object_foreach((json_t *)dump_at(pprof->dumps.full.dump, "rss/classes"), name, class)
    {
        int64_t difference = (int64_t)(dump_class_resident(pprof->dumps.returned.dump, name) -
                                       dump_class_resident(pprof->dumps.full.dump, name));
        cr_expect_eq(top(table, name, 3), difference, "%s is not %" PRId64 " in:\n%s", name, difference, table);
    }
    cr_expect_lt(top(table, "go.objects", 3), -(30 << 20), "%s", table);
    free(table);
}

/* Who keeps it: a program with one object in each of ten thousand spans, and others. */
static void expect_pinned(struct toolchain toolchain)
{
    struct pprof pprof = {.toolchain = toolchain, .dumps = {.dir = temp_dir_make()}};
    struct program_setup setup = {.arguments = (const char *[]){app_path(&toolchain, "pinned"), NULL}};
    struct watched *watched = watched_start(&setup);
    const char *truth = program_await_phase(watched->program, "pinned");
    uint64_t dense_bytes = text_number(truth, "dense_bytes"), all_bytes = text_number(truth, "all_bytes");
    program_signal(watched->program, SIGUSR2);
    export_to("pprof", outbox_await(&watched->outbox, watched->program),
              strcat(strcpy(pprof.full, pprof.dumps.dir.path), "/pinned.pb.gz"));
    char *pinned = run(&pprof, (const char *[]){"-top", "-sample_index=pinned_space", pprof.full, NULL});
    int64_t total = top(pinned, "[resident]", 3);
    cr_expect_gt(total, 81920000, "%s", pinned);
    cr_expect_geq(top(pinned, "main.sparse", 3) * 100, total * 95, "%s", pinned);
    cr_expect_geq(top(pinned, "main.allocate", 0) * 100, total * 95, "allocator's frames are hidden: %s", pinned);
    char *in_use = run(&pprof, (const char *[]){"-top", "-sample_index=inuse_space", pprof.full, NULL});
    cr_expect_eq(top(in_use, "main.dense", 0), (int64_t)dense_bytes, "%s", in_use);
    cr_expect_eq(top(in_use, "main.sparse", 3), 640000, "%s", in_use);
    cr_expect_eq(top(in_use, "[resident]", 3), (int64_t)all_bytes, "%s", in_use);
    char *lines = run(&pprof, (const char *[]){"-list=main.allocate", "-sample_index=inuse_space", pprof.full, NULL});
    cr_expect_not_null(strstr(lines, "object := new(small)"), "%s", lines);
    free(pinned);
    free(in_use);
    free(lines);
    watched_end(watched);
    temp_dir_remove(&pprof.dumps.dir);
}

static void expect_all(struct toolchain toolchain)
{
    struct pprof pprof = prepare(toolchain);
    expect_dump_in_top(&pprof);
    expect_released(&pprof);
    expect_tags(&pprof);
    expect_difference(&pprof);
    phase_dumps_free(&pprof.dumps);
    expect_pinned(toolchain);
}

Test(export_pprof, oldest_toolchain_reads_the_figures_of_the_dump, .timeout = 300)
{
    expect_all(toolchain_oldest());
}

Test(export_pprof, newest_toolchain_reads_the_figures_of_the_dump, .timeout = 300)
{
    expect_all(toolchain_newest());
}
