/* SPDX-License-Identifier: Apache-2.0
 *
 * Where memory is rationed (RLIMIT_DATA, RLIMIT_AS) a dump works with what is left or costs one clear line, and the
 * program goes on.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"

#define MIB (1ull << 20)

static uint64_t status_bytes(const struct program *program, const char *key)
{
    char path[64], line[256];
    uint64_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", program_pid(program));
    FILE *file = fopen(path, "r");
    must(file != NULL, "%s", path);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoull(line + strlen(key), NULL, 10);
    }
    fclose(file);
    must(kib != 0, "%s: %s", path, key);
    return kib * 1024;
}

static void limit(const struct program *program, int resource, uint64_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};
    must(prlimit(program_pid(program), (enum __rlimit_resource)resource, &limit, NULL) == 0, "prlimit");
}

/* Asks at rest, when the program maps nothing itself, with so much left to map. */
static void ask_within(struct watched *watched, int resource, uint64_t left_bytes)
{
    uint64_t taken_bytes = status_bytes(watched->program, resource == RLIMIT_AS ? "VmSize:" : "VmData:");
    limit(watched->program, resource, taken_bytes + left_bytes);
    program_signal(watched->program, SIGUSR2);
}

static struct watched *watch_at_rest(void)
{
    struct toolchain found[TOOLCHAINS_MAX];
    toolchains_find(found);
    struct watched *watched = watch_app(&found[0], "mapdemo", NULL);
    program_await_phase(watched->program, "full");
    return watched;
}

static void expect_unharmed(struct watched *watched)
{
    for (int i = 0; i < 3; i++)
        program_go_on(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0, "%s", program_errors(watched->program));
    watched_end(watched);
}

static const struct {
    const char *name;
    int resource;
} LIMITS[] = {{"RLIMIT_DATA", RLIMIT_DATA}, {"RLIMIT_AS", RLIMIT_AS}};

Test(limits, a_dump_does_with_a_part_of_what_is_left, .timeout = 180)
{
    for (unsigned i = 0; i < 2; i++) {
        struct watched *watched = watch_at_rest();
        for (uint64_t left_mib = 1024; left_mib >= 128; left_mib /= 2) {
            ask_within(watched, LIMITS[i].resource, left_mib * MIB);
            json_t *dump = dump_load(outbox_await(&watched->outbox, watched->program));
            check_classes_add_up(dump, dump_number(dump, "rss/total"), LIMITS[i].name);
            cr_expect_eq(json_array_size(dump_at(dump, "books/pagemap/missing")), 0u, "%s", LIMITS[i].name);
            json_decref(dump);
        }
        cr_expect_str_empty(program_errors(watched->program));
        limit(watched->program, LIMITS[i].resource, RLIM_INFINITY);
        expect_unharmed(watched);
    }
}

Test(limits, where_too_little_is_left_a_dump_is_refused, .timeout = 180)
{
    for (unsigned i = 0; i < 2; i++) {
        struct watched *watched = watch_at_rest();
        ask_within(watched, LIMITS[i].resource, MIB);
        program_await_error(watched->program,
                            "no dump: cannot map memory for it: out of memory (ENOMEM); raise the limit (ulimit -v");
        limit(watched->program, LIMITS[i].resource, RLIM_INFINITY);
        expect_unharmed(watched);
    }
}
