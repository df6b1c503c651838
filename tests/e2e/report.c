/* SPDX-License-Identifier: Apache-2.0
 *
 * What `report` and `diff` print of real dumps: every number in the text is the one in the JSON, as far as its digits
 * go. The text is read back here, by a reader of its own.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/program.h"

enum { PHASES = 3, LINE_BYTES = 512, SCREEN_LINES = 60 };

static struct program *run_command(const char *const *arguments)
{
    const char *all[8] = {built_path("gopagewatch")};
    size_t count = 1;
    for (; *arguments != NULL; arguments++)
        all[count++] = *arguments;
    struct program *program = program_run(&(struct program_setup){.arguments = all});
    cr_assert_eq(program_await_end(program), 0, "%s", program_errors(program));
    cr_assert_str_empty(program_errors(program));
    return program;
}

/* The first line that begins with these words (blanks between them may be many), one blank between its words. */
static bool find_line(const char *text, const char *begin, char found[LINE_BYTES])
{
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
        size_t length = 0;
        for (const char *at = line; *at != '\0' && *at != '\n' && length < LINE_BYTES - 1; at++) {
            if (*at != ' ' || (length > 0 && found[length - 1] != ' '))
                found[length++] = *at;
        }
        found[length] = '\0';
        if (strncmp(found, begin, strlen(begin)) == 0)
            return true;
    }
    return false;
}

static const char *line_of(const char *text, const char *begin, char found[LINE_BYTES])
{
    cr_assert(find_line(text, begin, found), "no line \"%s\" in:\n%s", begin, text);
    return found + strlen(begin);
}

/* Takes "45.4 MiB" or "0" and expects it to be that many bytes, within a half of its last digit. A sign is taken
 * along. */
static void expect_bytes(const char **at, double bytes, const char *what)
{
    static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB"};
    char *end;
    double scale = 1, number = strtod(*at, &end);
    cr_assert(end != *at, "%s: no number: %s", what, *at);
    const char *point = memchr(*at, '.', (size_t)(end - *at));
    double half_digit = point == NULL ? 0.5 : 0.5 * pow(10, -(double)(end - point - 1));
    if (*end == ' ' && number != 0) {
        size_t unit = 0;
        for (end++; unit < 4 && strncmp(end, UNITS[unit], strlen(UNITS[unit])) != 0; unit++)
            scale *= 1024;
        cr_assert_lt(unit, 4u, "%s: %s", what, *at);
        end += strlen(UNITS[unit]);
    }
    cr_expect_leq(fabs(number * scale - bytes), half_digit * scale + 0.001, "%s: %.20s is not %.0f bytes", what, *at,
                  bytes);
    *at = *end == ' ' ? end + 1 : end;
}

static void expect_percent(const char **at, double part, double whole, const char *what)
{
    double percent = part * 100 / whole;
    if (strncmp(*at, "<0.1", 4) == 0)
        cr_expect(percent > 0 && percent < 0.05, "%s: %f", what, percent);
    else
        cr_expect_leq(fabs(strtod(*at, NULL) - percent), 0.0501, "%s: %.10s is not %f", what, *at, percent);
    *at += strcspn(*at, " ");
    *at += **at == ' ';
}

static void check_classes(const char *text, const json_t *dump)
{
    char line[LINE_BYTES], begin[64];
    const char *name;
    json_t *sizes;
    json_object_foreach((json_t *)dump_at(dump, "rss/classes"), name, sizes)
    {
        if (dump_number(sizes, "mapped") + dump_number(sizes, "resident") == 0)
            continue;
        snprintf(begin, sizeof begin, "%s ", name);
        const char *at = line_of(text, begin, line);
        expect_bytes(&at, (double)dump_number(sizes, "mapped"), name);
        expect_bytes(&at, (double)dump_number(sizes, "resident"), name);
        expect_percent(&at, (double)dump_number(sizes, "resident"), (double)dump_number(dump, "rss/total"), name);
    }
    const char *at = line_of(text, "RSS ", line);
    expect_bytes(&at, (double)dump_number(dump, "rss/total"), "RSS");
    cr_assert_eq(strncmp(at, ", peak ", 7), 0, "%s", at);
    at += 7;
    expect_bytes(&at, (double)dump_number(dump, "rss/peak"), "peak");
}

static void check_size_classes(const char *text, const json_t *dump)
{
    char line[LINE_BYTES], counts[128];
    const char *key;
    json_t *row;
    unsigned seen = 0;
    json_object_foreach((json_t *)dump_at(dump, "go/sizeclass"), key, row)
    {
        uint64_t resident = dump_number(row, "resident"), objects = dump_number(row, "bytes");
        if (resident <= objects)
            continue;
        /* "64 B 30 3840 2990 77.9 .-.....+.# 240 KiB 53.1 KiB" */
        uint64_t slot = strtoull(key, NULL, 10);
        snprintf(counts, sizeof counts, "%s B ", key);
        if (slot >= 1024)
            snprintf(counts, sizeof counts,
                     slot % 1024 == 0 ? "%.0f KiB "
                     : slot < 10240   ? "%.2f KiB "
                                      : "%.1f KiB ",
                     (double)slot / 1024);
        const char *at = line_of(text, counts, line);
        snprintf(counts, sizeof counts, "%" PRIu64 " %" PRIu64 " %" PRIu64 " ", dump_number(row, "spans"),
                 dump_number(row, "slots"), dump_number(row, "objects"));
        cr_expect_eq(strncmp(at, counts, strlen(counts)), 0, "%s is not %s", line, counts);
        for (int words = 0; words < 5; words++)
            at += strcspn(at, " ") + 1;
        expect_bytes(&at, (double)resident, key);
        expect_bytes(&at, (double)(resident - objects), key);
        seen++;
    }
    cr_expect_gt(seen, 3u, "few size classes: %s", text);
}

static void check_arenas(const char *text, const json_t *dump)
{
    char line[LINE_BYTES], begin[64];
    size_t index;
    json_t *arena;
    json_array_foreach((json_t *)dump_at(dump, "go/arenas"), index, arena)
    {
        snprintf(begin, sizeof begin, "%s resident ", dump_text(arena, "start"));
        const char *at = line_of(text, begin, line);
        expect_bytes(&at, (double)dump_number(arena, "resident"), "arena");
    }
    cr_expect_gt(index, 0u);
}

static void check_findings(const char *text, const json_t *dump)
{
    char line[LINE_BYTES];
    size_t index;
    json_t *finding;
    const char *section = strstr(text, "\nwhat stands out\n");
    json_array_foreach((json_t *)dump_at(dump, "findings"), index, finding)
    {
        const char *id = dump_text(finding, "id");
        cr_assert_not_null(section, "%s", text);
        const char *name = strstr(section, id);
        cr_assert_not_null(name, "%s: %s", id, text);
        while (name[-1] != '\n')
            name--;
        const char *at = line_of(name, "", line);
        expect_bytes(&at, (double)dump_number(finding, "bytes"), id);
        cr_expect_eq(strncmp(at, id, strlen(id)), 0, "%s", line);
    }
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void check_report(const char *path, const json_t *dump)
{
    struct program *usual = run_command((const char *[]){"report", path, NULL});
    cr_expect_leq(count_lines(program_output(usual)), (unsigned)SCREEN_LINES, "%s", program_output(usual));
    check_classes(program_output(usual), dump);
    check_findings(program_output(usual), dump);
    program_free(usual);
    struct program *all = run_command((const char *[]){"report", "--top", "100", path, NULL});
    check_size_classes(program_output(all), dump);
    check_arenas(program_output(all), dump);
    program_free(all);
}

static double signed_change(uint64_t old_bytes, uint64_t new_bytes)
{
    return (double)new_bytes - (double)old_bytes;
}

static void check_diff(const char *old_path, const char *new_path, const json_t *old_dump, const json_t *new_dump)
{
    char line[LINE_BYTES], begin[64];
    const char *name;
    json_t *sizes;
    double before = INFINITY;
    struct program *program = run_command((const char *[]){"diff", "--all", old_path, new_path, NULL});
    const char *text = program_output(program);
    json_object_foreach((json_t *)dump_at(new_dump, "rss/classes"), name, sizes)
    {
        uint64_t new_bytes = dump_number(sizes, "resident"), old_bytes = dump_class_resident(old_dump, name);
        if (new_bytes + old_bytes == 0)
            continue;
        snprintf(begin, sizeof begin, "%s ", name);
        const char *at = line_of(text, begin, line);
        expect_bytes(&at, (double)old_bytes, name);
        expect_bytes(&at, (double)new_bytes, name);
        expect_bytes(&at, signed_change(old_bytes, new_bytes), name);
    }
    /* In the order of the text: growth falls, then shrinkage begins with its largest. */
    const char *row = strstr(text, "\nclass ");
    cr_assert_not_null(row, "%s", text);
    for (row = strchr(row + 1, '\n') + 1; strncmp(row, "total", 5) != 0; row = strchr(row, '\n') + 1) {
        snprintf(begin, sizeof begin, "%.*s", (int)strcspn(row, " "), row);
        double change = signed_change(dump_class_resident(old_dump, begin), dump_class_resident(new_dump, begin));
        cr_expect(change <= before || (before < 0 && change >= before), "%s: %s", begin, text);
        before = change;
    }
    program_free(program);
}

TOOLCHAIN_TEST(report, numbers_are_those_of_the_dump, .timeout = 300)
{
    static const char *const NAMES[PHASES] = {"full", "dropped", "returned"};
    /* Huge pages that khugepaged happens to make are a finding more, which the screen's lines are not counted for. */
    struct watched *watched = watched_start(&(struct program_setup){
        .arguments = (const char *[]){app_path(toolchain, "mapdemo"), NULL}, .before_exec = forbid_huge_pages});
    json_t *dumps[PHASES];
    char paths[PHASES][PATH_MAX];
    for (int i = 0; i < PHASES; i++) {
        program_await_phase(watched->program, NAMES[i]);
        dumps[i] = watched_dump(watched);
        snprintf(paths[i], sizeof paths[i], "%s", watched->outbox.path);
        program_go_on(watched->program);
        check_report(paths[i], dumps[i]);
    }
    check_diff(paths[0], paths[1], dumps[0], dumps[1]);
    check_diff(paths[1], paths[2], dumps[1], dumps[2]);
    check_diff(paths[2], paths[0], dumps[2], dumps[0]);

    struct program *all = run_command((const char *[]){"report", paths[0], paths[1], paths[2], NULL});
    const char *side_by_side = strstr(program_output(all), "resident in each file");
    char line[LINE_BYTES];
    cr_assert_not_null(side_by_side);
    const char *at = line_of(side_by_side, "go.free ", line);
    for (int i = 0; i < PHASES; i++)
        expect_bytes(&at, (double)dump_class_resident(dumps[i], "go.free"), "go.free");
    program_free(all);
    for (int i = 0; i < PHASES; i++)
        json_decref(dumps[i]);
    watched_end(watched);
}

/* A dump of 16 GiB of arenas, made from a real one: each page string once more, until there are 256. */
static void write_large_dump(json_t *dump, const char *path)
{
    enum { ARENAS = 256 };
    json_t *arenas = json_object_get(json_object_get(dump, "go"), "arenas");
    size_t real = json_array_size(arenas);
    for (size_t i = real; i < ARENAS; i++) {
        char start[32];
        json_t *arena = json_copy(json_array_get(arenas, i % real));
        snprintf(start, sizeof start, "0x%llx", 0x700000000000ull + i * (64ull << 20));
        json_object_set_new(arena, "start", json_string(start));
        json_array_append_new(arenas, arena);
    }
    must(json_dump_file(dump, path, JSON_COMPACT) == 0, "%s", path);
}

static double children_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The least CPU time of three runs, for others use this machine too; the output of the last, whose text is the same. */
static struct program *run_thrice(const char *const *arguments, double *least_seconds)
{
    struct program *program = NULL;
    *least_seconds = INFINITY;
    for (int run = 0; run < 3; run++) {
        if (program != NULL)
            program_free(program);
        double before = children_seconds();
        program = run_command(arguments);
        *least_seconds = fmin(*least_seconds, children_seconds() - before);
    }
    return program;
}

Test(report, sixteen_gibibytes_take_half_a_second_and_a_screen, .timeout = 300)
{
    struct toolchain found[TOOLCHAINS_MAX];
    size_t count = toolchains_find(found);
    struct watched *watched = watch_app(&found[count - 1], "mapdemo", NULL);
    char path[PATH_MAX];
    program_await_phase(watched->program, "full");
    json_t *dump = watched_dump(watched);
    snprintf(path, sizeof path, "%s/large", watched->dir.path);
    write_large_dump(dump, path);

    double seconds;
    struct program *usual = run_thrice((const char *[]){"report", path, NULL}, &seconds);
    cr_expect_leq(seconds, 0.5);
    cr_expect_not_null(strstr(program_output(usual), "\n... 253 more arenas (--top N"), "%s", program_output(usual));
    cr_expect_leq(count_lines(program_output(usual)), (unsigned)SCREEN_LINES + 5);
    struct program *wide = run_thrice((const char *[]){"report", "--wide", path, NULL}, &seconds);
    cr_expect_leq(seconds, 0.5);
    unsigned rows = 0;
    for (const char *at = program_output(wide); (at = strstr(at, "\n0x")) != NULL; at++)
        rows++;
    cr_expect_eq(rows, 256u, "%u", rows);
    program_free(usual);
    program_free(wide);
    json_decref(dump);
    watched_end(watched);
}
