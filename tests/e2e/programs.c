/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs of other shapes: a Go runtime in a shared library, one that nobody here wrote (etcd); and the shape of the
 * library itself.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/etcd.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/kernel_truth.h"

enum { MEBIBYTE = 1 << 20 };

static void check_shared_library(const struct program_setup *setup, const char *what)
{
    struct watched *watched = watched_start(setup);
    uint64_t rss_bytes;
    program_await_phase(watched->program, "started");
    program_go_on(watched->program);
    program_await_phase(watched->program, "full");
    json_t *dump = dump_at_rest(watched, &rss_bytes);
    check_classes_add_up(dump, rss_bytes, what);
    cr_expect_str_eq(dump_text(dump, "books/shim/how"), "patched", "%s", what);
    cr_expect(strstr(dump_text(dump, "go/runtimes/0/module"), "libcsharedlib.so") != NULL, "%s: %s", what,
              dump_text(dump, "go/runtimes/0/module"));
    cr_expect_geq(dump_go_kept_resident(dump), 32u * MEBIBYTE, "%s", what);
    json_decref(dump);
    program_go_on(watched->program);
    program_await_phase(watched->program, "returned");
    dump = watched_dump(watched);
    cr_expect_geq(dump_advice(dump, "go", "DONTNEED").bytes, 30u * MEBIBYTE, "%s: madvise was seen", what);
    json_decref(dump);
    program_go_on(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0, "%s: %s", what, program_errors(watched->program));
    cr_expect_str_empty(program_errors(watched->program), "%s", program_errors(watched->program));
    watched_end(watched);
}

TOOLCHAIN_TEST(programs, go_in_a_loaded_library_is_watched, .timeout = 180)
{
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "chost"), app_path(toolchain, "libcsharedlib.so"), NULL}};
    check_shared_library(&setup, "loaded");
}

TOOLCHAIN_TEST(programs, go_in_a_linked_library_is_watched, .timeout = 180)
{
    struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, "chost.linked"), NULL}};
    check_shared_library(&setup, "linked");
}

/* What a constructor maps is C's, however much it looks like the runtime's first mmap; what the runtime maps is Go's.
 */
TOOLCHAIN_TEST(programs, a_constructor_that_maps_like_a_runtime_is_none, .timeout = 180)
{
    struct watched *watched = watch_app(toolchain, "earlymmap", NULL);
    program_await_phase(watched->program, "full");
    uint64_t rss_bytes;
    json_t *dump = dump_at_rest(watched, &rss_bytes);
    check_classes_add_up(dump, rss_bytes, toolchain->version);
    cr_expect_geq(dump_go_kept_resident(dump), 32u * MEBIBYTE, "%s", toolchain->version);
    cr_expect_geq(dump_class_resident(dump, "c.mmap"), 256u << 10, "%s", toolchain->version);
    cr_expect_gt(json_array_size(dump_at(dump, "go/arenas")), 0u, "%s", toolchain->version);
    cr_expect_lt(dump_class_resident(dump, "c.mmap"), 1u * MEBIBYTE, "%s: the runtime's own is Go's",
                 toolchain->version);
    cr_expect_gt(dump_class_resident(dump, "go.metadata"), 0u, "%s", toolchain->version);
    cr_expect_str_empty(program_errors(watched->program));
    json_decref(dump);
    watched_end(watched);
}

/* Between what it said before and after, and one part in a hundred more. */
static void expect_between(uint64_t number, double before, double after, const char *what)
{
    double low = fmin(before, after) * 0.99, high = fmax(before, after) * 1.01;
    cr_expect((double)number >= low && (double)number <= high, "%s is %" PRIu64 ", etcd says %.0f and %.0f", what,
              number, before, after);
}

/* etcd goes on while it is asked: what it says before and after brackets what the dump says. */
static void check_memstats(struct etcd *etcd)
{
    etcd_collect_garbage(etcd);
    struct etcd_memstats before = etcd_memstats(etcd);
    json_t *dump = watched_dump(etcd_watched(etcd));
    struct etcd_memstats after = etcd_memstats(etcd);
    uint64_t objects = dump_class(dump, "go.objects", "mapped"), unused = dump_class(dump, "go.unused", "mapped");
    uint64_t released = dump_class(dump, "go.released", "mapped"),
             idle = dump_class(dump, "go.free", "mapped") + released;
    expect_between(objects, before.alloc, after.alloc, "heap_alloc");
    expect_between(objects + unused, before.inuse, after.inuse, "heap_inuse");
    expect_between(idle, before.idle, after.idle, "heap_idle");
    expect_between(released, before.released, after.released, "heap_released");
    expect_between(objects + unused + idle, before.sys, after.sys, "heap_sys");
    expect_between(dump_class(dump, "go.stacks", "mapped"), before.stack_inuse, after.stack_inuse, "stack_inuse");
    expect_between(dump_number(dump, "go/heaps/0/objects"), before.objects, after.objects, "heap_objects");
    expect_between(dump_number(dump, "go/heaps/0/gc/goal"), before.next_gc, after.next_gc, "next_gc");
    json_decref(dump);
}

/* It is not at rest between requests either: what the classes add up to lies between what the kernel said before and
 * after. */
static void check_explained(struct etcd *etcd)
{
    pid_t pid = program_pid(etcd_watched(etcd)->program);
    double before = (double)smaps_sum(pid, NULL).rss_bytes;
    json_t *dump = watched_dump(etcd_watched(etcd));
    double after = (double)smaps_sum(pid, NULL).rss_bytes, sum = (double)dump_resident_sum(dump);
    cr_expect(sum >= 0.995 * fmin(before, after) && sum <= 1.005 * fmax(before, after),
              "etcd: the classes add up to %.0f, smaps said %.0f and %.0f", sum, before, after);
    cr_expect_leq((double)dump_class_resident(dump, "other") * 1000, after, "other: %" PRIu64,
                  dump_class_resident(dump, "other"));
    cr_expect_eq(dump_number(dump, "books/pagemap/untrusted"), 0u);
    cr_expect_str_eq(dump_text(dump, "books/shim/how"), "patched");
    cr_expect_str_eq(dump_text(dump, "books/goruntime/how"), "layout go1.19");
    json_decref(dump);
}

Test(programs, etcd_is_explained_under_load, .timeout = 600)
{
    enum { ROUNDS = 4, PUTS = 1500, VALUE_BYTES = 4096 };
    struct etcd *etcd = etcd_start(ETCD_PRELOADED);
    for (int round = 0; round < ROUNDS; round++) {
        etcd_put_and_get(etcd, round, PUTS / 2, VALUE_BYTES);
        json_t *dump = watched_dump(etcd_watched(etcd)); /* between requests: it is not at rest */
        cr_expect_str_eq(dump_text(dump, "environment/go_version"), "go1.19.8");
        json_decref(dump);
        etcd_put_and_get(etcd, round + ROUNDS, PUTS / 2, VALUE_BYTES);
        check_explained(etcd);
    }
    check_memstats(etcd);
    etcd_stop(etcd);
}

/* Its runtime runs when our constructor comes: what is not patched for that is told, and told once. */
TOOLCHAIN_TEST(programs, what_a_linked_library_does_without_is_told_once, .timeout = 180)
{
    struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, "chost.linked"), NULL},
                                  .environment = (const char *[]){"GOPAGEWATCH_AT_EXIT=1", NULL}};
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "started");
    program_go_on(watched->program);
    program_await_phase(watched->program, "full");
    json_t *dump = watched_dump(watched);
    size_t index;
    const json_t *missing;
    unsigned rows = 0;
    json_array_foreach(dump_at(dump, "books/shim/missing"), index, missing) rows +=
        strcmp(dump_text(missing, "what"), "runtime.exit") == 0;
    cr_expect_leq(rows, 1u, "%u rows", rows);
    json_decref(dump);
    watched_end(watched);
}

/* It goes into every process: it may need nothing but an old libc, and define nothing but what it stands for. */
Test(programs, library_needs_libc_only_and_exports_what_it_stands_for, .timeout = 180)
{
    char command[8192];
    snprintf(command, sizeof command,
             "readelf -dW '%s' | awk '/NEEDED/ { print $NF }'; "
             "nm -D --defined-only '%s' | awk '{ print $NF }' | sort | tr '\\n' ' '; echo; "
             "readelf -VW '%s' | grep -o 'GLIBC_2[.][0-9]*' | sort -uV | tail -1",
             shim_path(), shim_path(), shim_path());
    struct program_setup setup = {.arguments = (const char *[]){"sh", "-c", command, NULL}};
    struct program *program = program_run(&setup);
    cr_expect_str_eq(program_output(program),
                     "[libc.so.6]\n"
                     "__sysv_signal madvise mmap mmap64 mremap munmap posix_madvise sigaction signal \n"
                     "GLIBC_2.16\n",
                     "%s", program_output(program));
    program_free(program);
}
