/* SPDX-License-Identifier: Apache-2.0
 *
 * Who did it: the stacks of memory calls, named by the program's own symbol table (nm), which is not ours.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/program.h"
#include "tests/e2e/support/scavtrace.h"
#include "tests/e2e/support/text.h"
#include "tests/e2e/support/watched.h"

#define MIB (1024 * 1024ull)

/* ---- names ---- */

struct symbol {
    uint64_t address;
    const char *name;
};

struct names {
    struct text text; /* of nm; the names point into it */
    struct symbol *symbols;
    size_t count;
};

/* Of an executable that is not position-independent: an address is an address. */
static struct names names_of(const char *exe)
{
    struct names names = {0};
    struct program *nm = program_run(&(struct program_setup){.arguments = (const char *[]){"nm", "-n", exe, NULL}});
    must(program_await_end(nm) == 0, "nm %s", exe);
    text_append(&names.text, program_output(nm), strlen(program_output(nm)));
    program_free(nm);
    size_t lines = 0;
    for (const char *at = names.text.bytes; *at != '\0'; at++)
        lines += *at == '\n';
    names.symbols = calloc(lines + 1, sizeof *names.symbols);
    must(names.symbols != NULL, "symbols");
    for (char *line = names.text.bytes, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char *rest;
        *end = '\0';
        uint64_t address = strtoull(line, &rest, 16);
        if (rest != line && strlen(rest) > 3)
            names.symbols[names.count++] = (struct symbol){address, rest + 3};
    }
    return names;
}

static void names_free(struct names *names)
{
    free(names->symbols);
    text_free(&names->text);
}

/* Of the last symbol at or below the call before a return address. */
static const char *name_of(const struct names *names, uint64_t return_address)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (names->symbols[middle].address < return_address)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? "" : names->symbols[low - 1].name;
}

static const char *frame_name(const struct names *names, const json_t *site, size_t index)
{
    const char *text = json_string_value(json_array_get(json_object_get(site, "pcs"), index));
    return text == NULL ? "" : name_of(names, strtoull(text, NULL, 16));
}

static bool is_from(const struct names *names, const json_t *site, const char *function)
{
    for (size_t i = 0; i < json_array_size(json_object_get(site, "pcs")); i++) {
        if (strcmp(frame_name(names, site, i), function) == 0)
            return true;
    }
    return false;
}

/* Up to where every stack of a Go program ends: a goroutine, the start, a thread's own work. */
static bool is_whole(const struct names *names, const json_t *site)
{
    static const char *const ENDS[] = {"runtime.goexit",  "runtime.rt0_go",    "runtime.mcall",      "runtime.mstart",
                                       "runtime.mstart1", "runtime.morestack", "runtime.systemstack"};
    size_t count = json_array_size(json_object_get(site, "pcs"));
    const char *name = count == 0 ? "" : frame_name(names, site, count - 1);
    size_t bytes = strcspn(name, "\0");
    if (bytes > 5 && strcmp(name + bytes - 5, ".abi0") == 0)
        bytes -= 5;
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        if (strlen(ENDS[i]) == bytes && strncmp(name, ENDS[i], bytes) == 0)
            return true;
    }
    return count == 64;
}

/* ---- sums ---- */

static bool is_call(const json_t *site, const char *by, const char *operation, const char *detail)
{
    return strcmp(dump_text(site, "by"), by) == 0 && strcmp(dump_text(site, "op"), operation) == 0 &&
           (detail == NULL || strcmp(dump_text(site, "detail"), detail) == 0);
}

/* Bytes of the calls of that kind; from `function` alone unless it is NULL. */
static uint64_t sum(const json_t *dump, const struct names *names, const char *by, const char *operation,
                    const char *detail, const char *purpose, const char *function)
{
    uint64_t bytes = 0;
    size_t index;
    json_t *site;
    json_array_foreach(json_object_get(dump, "callsites"), index, site)
    {
        const char *said = json_string_value(json_object_get(site, "purpose"));
        if (is_call(site, by, operation, detail) && (purpose == NULL || (said != NULL && strcmp(said, purpose) == 0)) &&
            (function == NULL || is_from(names, site, function)))
            bytes += dump_number(site, "bytes");
    }
    return bytes;
}

TOOLCHAIN_TEST(sites, growth_release_and_c_are_laid_at_the_right_door, .timeout = 300)
{
    struct names names = names_of(app_path(toolchain, "mapdemo"));
    struct watched *watched = watch_app(toolchain, "mapdemo", (const char *[]){"GODEBUG=disablethp=1", NULL});
    program_await_phase(watched->program, "full");
    program_go_on(watched->program);
    program_await_phase(watched->program, "dropped");
    program_go_on(watched->program);
    program_await_phase(watched->program, "returned");
    json_t *dump = watched_dump(watched);
    size_t index;
    json_t *site;
    json_array_foreach(json_object_get(dump, "callsites"), index, site)
    {
        if (is_call(site, "go", "mmap", NULL) || is_call(site, "go", "madvise", NULL))
            cr_expect(is_whole(&names, site), "go%s: site %" PRIu64 " ends at %s", toolchain->version,
                      dump_number(site, "id"),
                      frame_name(&names, site, json_array_size(json_object_get(site, "pcs")) - 1));
    }

    uint64_t filled = sum(dump, &names, "go", "mmap", "rw-", "arenas", "main.fill");
    cr_expect_geq(filled, 36 * MIB, "go%s: %" PRIu64, toolchain->version, filled);

    uint64_t released = sum(dump, &names, "go", "madvise", "DONTNEED", NULL, NULL);
    uint64_t known = sum(dump, &names, "go", "madvise", "DONTNEED", NULL, "main.main") +
                     sum(dump, &names, "go", "madvise", "DONTNEED", "background scavenger", "runtime.bgscavenge");
    cr_expect_gt(released, 40 * MIB);
    cr_expect_geq(known * 100, released * 99, "go%s: %" PRIu64 " of %" PRIu64, toolchain->version, known, released);
    cr_expect_eq(dump_advice(dump, "go", "DONTNEED").bytes, released, "the counters say the same");

    /* C's function and its caller in Go; all of it is resident. */
    uint64_t mapped = 0;
    json_array_foreach(json_object_get(dump, "callsites"), index, site)
    {
        if (!is_call(site, "c", "mmap", "rw-") || !is_from(&names, site, "c_memory_fill_mmap"))
            continue;
        cr_expect(is_from(&names, site, "main.main"), "go%s", toolchain->version);
        cr_expect_eq(dump_number(site, "resident"), dump_number(site, "bytes"));
        mapped += dump_number(site, "bytes");
    }
    cr_expect_eq(mapped, 6 * MIB, "go%s: %" PRIu64, toolchain->version, mapped);
    json_decref(dump);
    names_free(&names);
    watched_end(watched);
}

/* Every part of go.metadata and c.mmap that was seen being mapped has a site, and they add up. */
TOOLCHAIN_TEST(sites, resident_bytes_add_up_to_the_classes, .timeout = 300)
{
    struct watched *watched = watch_app(toolchain, "mapdemo", NULL);
    program_await_phase(watched->program, "full");
    json_t *dump = watched_dump(watched);
    uint64_t by_go = 0, by_c = 0;
    size_t index;
    json_t *site;
    json_array_foreach(json_object_get(dump, "callsites"), index, site)
    {
        bool is_go = strcmp(dump_text(site, "by"), "go") == 0;
        *(is_go ? &by_go : &by_c) += dump_number(site, "resident");
        /* The last page of a mapping is whole, and a Go page has one site. */
        uint64_t rounding = dump_number(site, "calls") * 8192;
        cr_expect_leq(dump_number(site, "resident"),
                      dump_number(site, "bytes") - dump_number(site, "unmapped") + rounding);
    }
    /* The runtime's very first mapping comes before there are stacks, and work buffers lie in arenas. */
    uint64_t metadata = dump_number(dump, "rss/classes/go.metadata/resident");
    cr_expect_leq(by_go, metadata, "go%s: %" PRIu64 " of %" PRIu64, toolchain->version, by_go, metadata);
    cr_expect_gt(by_go * 10, metadata * 5, "go%s: %" PRIu64 " of %" PRIu64, toolchain->version, by_go, metadata);
    cr_expect_eq(by_c, dump_number(dump, "rss/classes/c.mmap/resident"));
    json_decref(dump);
    watched_end(watched);
}

/* What the runtime maps has a purpose, with its tracer on, in settings of GODEBUG that map in places of their own. */
TOOLCHAIN_TEST(sites, every_mapping_of_the_runtime_has_a_purpose, .timeout = 300)
{
    static const struct {
        const char *debug, *purpose; /* that purpose too is there, or NULL */
    } SETTINGS[] = {{"GODEBUG=", NULL}, {"GODEBUG=harddecommit=1", "harddecommit"}, {"GODEBUG=efence=1", "stacks"}};
    for (size_t i = 0; i < sizeof SETTINGS / sizeof SETTINGS[0]; i++) {
        if (i == 2 && toolchain_minor(toolchain) < 21)
            continue; /* go1.19 with efence cannot write a heap dump */
        struct watched *watched = watch_app(toolchain, "traced", (const char *[]){SETTINGS[i].debug, NULL});
        program_await_phase(watched->program, "traced");
        json_t *dump = watched_dump(watched);
        const char *what = SETTINGS[i].debug;
        cr_expect_eq(sum(dump, NULL, "go", "mmap", NULL, "other", NULL), 0u, "go%s %s", toolchain->version, what);
        cr_expect_gt(sum(dump, NULL, "go", "mmap", "rw-", "trace buffers", NULL), 0u, "go%s %s", toolchain->version,
                     what);
        cr_expect_gt(sum(dump, NULL, "go", "mmap", "rw-", "heap dump", NULL), 0u, "go%s %s", toolchain->version, what);
        if (SETTINGS[i].purpose != NULL)
            cr_expect_gt(sum(dump, NULL, "go", "mmap", NULL, SETTINGS[i].purpose, NULL), 0u, "go%s %s",
                         toolchain->version, what);
        json_decref(dump);
        watched_end(watched);
    }
}

/* By whom memory was given back. */
struct reasons {
    uint64_t forced, background, eager;
};

static struct reasons reasons_of(struct watched *watched, const struct names *names)
{
    json_t *dump = watched_dump(watched);
    struct reasons reasons = {
        .forced = sum(dump, names, "go", "madvise", "DONTNEED", "FreeOSMemory", NULL),
        .background = sum(dump, names, "go", "madvise", "DONTNEED", "background scavenger", NULL),
        .eager = sum(dump, names, "go", "madvise", "DONTNEED", "allocation over the limit or goal", NULL) +
                 sum(dump, names, "go", "madvise", "DONTNEED", "heap growth", NULL),
    };
    cr_expect_eq(reasons.forced + reasons.background + reasons.eager,
                 sum(dump, names, "go", "madvise", "DONTNEED", NULL, NULL));
    json_decref(dump);
    return reasons;
}

/* By scavtrace's own words, where it tells them apart: to the byte. A line is written when a sweep ends; the scavenger
 * adds what it does to its sum some time after it was done, so that a line may come too early and the next has it. */
TOOLCHAIN_TEST(sites, reasons_are_those_of_scavtrace, .timeout = 300)
{
    enum { COLLECTIONS_MAX = 20 };
    struct names names = names_of(app_path(toolchain, "freeloop"));
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "freeloop"), "-n", "40", "-settle", "-wait", NULL},
        .environment = (const char *[]){"GODEBUG=scavtrace=1", "GOGC=off", "GOMEMLIMIT=24MiB", NULL},
    };
    struct watched *watched = watched_start(&setup);
    bool is_told_apart = toolchain_minor(toolchain) >= 21;
    program_await_phase(watched->program, "done");
    struct reasons reasons = reasons_of(watched, &names);
    struct scavtrace truth = scavtrace_sum(program_errors(watched->program));
    for (int i = 0; i < COLLECTIONS_MAX && is_told_apart && reasons.background != truth.background_bytes; i++) {
        program_send(watched->program, "collect");
        program_await_phase(watched->program, "done");
        reasons = reasons_of(watched, &names);
        truth = scavtrace_sum(program_errors(watched->program));
    }
    names_free(&names);
    watched_end(watched);
    cr_expect_eq(reasons.forced, truth.forced_bytes, "go%s: %" PRIu64 ", scavtrace says %" PRIu64, toolchain->version,
                 reasons.forced, truth.forced_bytes);
    if (!is_told_apart)
        return;
    cr_expect_eq(reasons.background, truth.background_bytes, "go%s: %" PRIu64 ", scavtrace says %" PRIu64,
                 toolchain->version, reasons.background, truth.background_bytes);
    cr_expect_eq(reasons.eager, truth.eager_bytes, "go%s: %" PRIu64 ", scavtrace says %" PRIu64, toolchain->version,
                 reasons.eager, truth.eager_bytes);
    cr_expect_gt(reasons.background + reasons.eager, 0, "go%s", toolchain->version);
}

static const struct {
    const char *value;
    bool has_go, has_c;
} CHOICES[] = {
    {"GOPAGEWATCH_STACKS=off", false, false},
    {"GOPAGEWATCH_STACKS=go", true, false},
    {"GOPAGEWATCH_STACKS=all", true, true},
};

TOOLCHAIN_TEST(sites, stacks_are_kept_of_what_is_asked_for, .timeout = 300)
{
    for (size_t i = 0; i < sizeof CHOICES / sizeof CHOICES[0]; i++) {
        struct watched *watched = watch_app(toolchain, "mapdemo", (const char *[]){CHOICES[i].value, NULL});
        program_await_phase(watched->program, "full");
        json_t *dump = watched_dump(watched);
        unsigned go = 0, c = 0;
        size_t index;
        json_t *site;
        json_array_foreach(json_object_get(dump, "callsites"), index, site)
        {
            go += strcmp(dump_text(site, "by"), "go") == 0;
            c += strcmp(dump_text(site, "by"), "c") == 0;
        }
        cr_expect_eq(go > 0, CHOICES[i].has_go, "%s: %u", CHOICES[i].value, go);
        cr_expect_eq(c > 0, CHOICES[i].has_c, "%s: %u", CHOICES[i].value, c);
        json_decref(dump);
        watched_end(watched);
    }
}

static const char *why_missing(const json_t *dump, const char *what)
{
    size_t index;
    json_t *missing;
    json_array_foreach(dump_at(dump, "books/shim/missing"), index, missing)
    {
        if (strcmp(dump_text(missing, "what"), what) == 0)
            return dump_text(missing, "why");
    }
    return "";
}

/* Its calls would hold the locks that a capture takes. */
TOOLCHAIN_TEST(sites, a_program_that_uses_libunwind_itself_is_not_walked_and_the_dump_says_so, .timeout = 300)
{
    static const struct {
        const char *library, *why;
        bool has_c_callers;
    } CASES[] = {
        {"", "", true},
        {":libunwind.so.8", "has libunwind.so.8 loaded for itself", false},
    };
    struct names names = names_of(app_path(toolchain, "mapdemo"));
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char preload[8192];
        snprintf(preload, sizeof preload, "LD_PRELOAD=%s%s", shim_path(), CASES[i].library);
        struct watched *watched = watch_app(toolchain, "mapdemo", (const char *[]){preload, NULL});
        program_await_phase(watched->program, "full");
        json_t *dump = watched_dump(watched);
        const char *why = why_missing(dump, "frames of C in call sites");
        cr_expect(CASES[i].why[0] == '\0' ? why[0] == '\0' : strstr(why, CASES[i].why) != NULL, "%s", why);
        size_t index;
        json_t *site;
        unsigned from_c = 0;
        json_array_foreach(json_object_get(dump, "callsites"), index, site)
        {
            if (!is_call(site, "c", "mmap", "rw-") || strcmp(frame_name(&names, site, 0), "c_memory_fill_mmap") != 0)
                continue;
            from_c++;
            cr_expect(!CASES[i].has_c_callers || is_from(&names, site, "main.main"));
        }
        cr_expect_gt(from_c, 0u, "the caller is known all the same");
        cr_expect_eq(dump_number(dump, "books/shim/counters/stacks_missed"), 0);
        json_decref(dump);
        watched_end(watched);
    }
    names_free(&names);
}

/* Signals and other hooks in the middle of captures, dumps beside them. */
TOOLCHAIN_TEST(sites, a_storm_of_profiling_signals_does_no_harm, .timeout = 300)
{
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "storm"), "-for", "2s", NULL},
        .environment = (const char *[]){"GOPAGEWATCH_EVERY=100ms", NULL},
    };
    struct watched *watched = watched_start(&setup);
    const char *truth = program_await_line(watched->program, "truth storm");
    cr_expect_gt(text_number(truth, "rounds"), 0u);
    cr_expect_gt(text_number(truth, "samples"), 0u);
    cr_expect_eq(program_await_end(watched->program), 0, "%s", program_errors(watched->program));
    const char *path, *last = NULL;
    char kept[256];
    while ((path = outbox_next(&watched->outbox)) != NULL) {
        snprintf(kept, sizeof kept, "%s", path);
        last = kept;
    }
    cr_assert_not_null(last);
    json_t *dump = dump_load(last);
    unsigned from_c = 0;
    size_t index;
    json_t *site;
    json_array_foreach(json_object_get(dump, "callsites"), index, site) from_c += is_call(site, "c", "mmap", "rw-");
    cr_expect_geq(from_c, 1u);
    cr_expect_leq(from_c, 20u, "one place in C has few stacks: %u", from_c);
    json_decref(dump);
    watched_end(watched);
}
