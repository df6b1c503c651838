/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of thread stacks: what is resident of each, and below the stack pointer that /proc tells.
 */
#include "dump/thread_stacks.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, PATH_BYTES = 64, TID = 4711 };

#define STACK 0x7f0000000000ull

static struct bump bump;
static struct known_ranges known;
static struct resident_run runs[] = {
    {STACK - PAGE_BYTES, STACK},                            /* somebody else's */
    {STACK + 2 * PAGE_BYTES, STACK + 4 * PAGE_BYTES},       /* below the stack pointer */
    {STACK + 5 * PAGE_BYTES, (STACK + 6 * PAGE_BYTES) | 1}, /* swapped out */
    {STACK + 6 * PAGE_BYTES, STACK + 10 * PAGE_BYTES},      /* beyond the end of the stack, too */
};
static const struct resident_set resident = {.runs = runs, .count = sizeof runs / sizeof runs[0]};
static char tasks[PATH_BYTES];

static void open_stack(void)
{
    cr_assert_eq(bump_open(&bump, 16 << 20), 0);
    cr_assert(known_ranges_open(&known, &bump));
    known_ranges_add(&known, (struct known_range){STACK, STACK + 8 * PAGE_BYTES, CLASS_THREAD_STACKS, TID});
    known_ranges_add(&known, (struct known_range){STACK + (1 << 20), STACK + (2 << 20), CLASS_THREAD_STACKS, 0});
    known_ranges_add(&known, (struct known_range){STACK + (2 << 20), STACK + (3 << 20), CLASS_LIBS, 0});
    snprintf(tasks, sizeof tasks, "/tmp/gopagewatch-test-XXXXXX");
    cr_assert_not_null(mkdtemp(tasks));
}

static void put_file(const char *name, const char *content)
{
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%d", tasks, TID);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%d/%s", tasks, TID, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(content, file);
    fclose(file);
}

static void close_stack(void)
{
    static const char *const NAMES[] = {"comm", "syscall", ""};
    char path[2 * PATH_BYTES];
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%d/%s", tasks, TID, NAMES[i]);
        remove(path);
    }
    rmdir(tasks);
    bump_close(&bump);
}

TestSuite(thread_stacks, .init = open_stack, .fini = close_stack);

static struct thread_stack find(const char *tasks_path)
{
    struct thread_stacks stacks;
    thread_stacks_find(&stacks, &known, &resident, tasks_path, PAGE_BYTES, &bump);
    cr_assert_eq(stacks.count, 2);
    cr_expect_eq(stacks.rows[1].tid, 0);
    cr_expect_eq(stacks.rows[1].resident_bytes, 0);
    return stacks.rows[0];
}

Test(thread_stacks, a_waiting_thread_has_a_stack_pointer_and_used_stack_below_it)
{
    put_file("comm", "worker\n");
    put_file("syscall", "202 0x1 0x2 0x3 0x4 0x5 0x6 0x7f0000006100 0x7f00deadbeef\n");
    struct thread_stack row = find(tasks);
    cr_expect_eq(row.tid, TID);
    cr_expect_str_eq(row.name, "worker");
    cr_expect_eq(row.resident_bytes, 4 * PAGE_BYTES);
    cr_expect_eq(row.stack_pointer, STACK + 0x6100);
    cr_expect_eq(row.below_bytes, 2 * PAGE_BYTES);
}

/* The 128 bytes below the pointer are in use. */
Test(thread_stacks, the_red_zone_is_not_below)
{
    put_file("syscall", "-1 0x7f0000004000 0x7f00deadbeef\n");
    cr_expect_eq(find(tasks).below_bytes, PAGE_BYTES);
    put_file("syscall", "-1 0x7f0000004080 0x7f00deadbeef\n");
    cr_expect_eq(find(tasks).below_bytes, 2 * PAGE_BYTES);
    put_file("syscall", "-1 0x7f0000000010 0x7f00deadbeef\n");
    cr_expect_eq(find(tasks).below_bytes, 0);
}

Test(thread_stacks, what_cannot_be_known_is_not_guessed)
{
    static const char *const TEXTS[] = {"running\n", "",   "-1 0x7f0000100000 0x1\n", "-1 7f0000006100 0x1\n",
                                        "\n",        "0x1"};
    for (unsigned i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        put_file("syscall", TEXTS[i]);
        struct thread_stack row = find(tasks);
        cr_expect_eq(row.stack_pointer, 0, "%s", TEXTS[i]);
        cr_expect_eq(row.below_bytes, 0, "%s", TEXTS[i]);
        cr_expect_eq(row.resident_bytes, 4 * PAGE_BYTES, "%s", TEXTS[i]);
    }
    cr_expect_str_empty(find("/nowhere").name);
    cr_expect_str_empty(find(NULL).name);
}
