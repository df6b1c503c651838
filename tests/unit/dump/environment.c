/* SPDX-License-Identifier: Apache-2.0
 *
 * The fingerprint: the chosen word of a sysfs file, and the own system against what libc says of it.
 */
#include "dump/environment.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

Test(environment, takes_the_word_in_brackets)
{
    static const struct {
        const char *text, *word;
    } CASES[] = {
        {"always [madvise] never\n", "madvise"},
        {"[always] madvise never", "always"},
        {"always defer defer+madvise madvise [never]\n", "never"},
        {"always madvise never", ""},
        {"", ""},
        {"[", ""},
        {"]", ""},
        {"] [", ""},
        {"[]", ""},
        {"[a] [b]", "a"},
        {"[exactly15letter]", "exactly15letter"},
        {"[sixteen letters.]", ""},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char word[17];
        memset(word, '?', sizeof word);
        bracketed_word(CASES[i].text, word, 16);
        cr_expect_str_eq(word, CASES[i].word, "%s", CASES[i].text);
        cr_expect_eq(word[16], '?', "nothing behind the buffer");
    }
}

Test(environment, of_this_system_agrees_with_libc)
{
    struct environment environment;
    struct utsname system;
    cpu_set_t cpus;
    environment_read(&environment, 4096, 0, "/proc/self/cgroup");
    uname(&system);
    cr_expect_str_eq(environment.system.release, system.release);
    cr_expect_str_eq(environment.system.machine, system.machine);
    cr_assert_eq(sched_getaffinity(0, sizeof cpus, &cpus), 0);
    cr_expect_eq(environment.cpus, (uint64_t)CPU_COUNT(&cpus));
    cr_expect_eq(environment.os_page_bytes, 4096);
    if (access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) == 0)
        cr_expect_gt(strlen(environment.thp_enabled), 0);
    cr_expect(!environment.has_cgroup_limit || environment.cgroup_limit_bytes > 0);
}

Test(environment, counts_the_cpus_that_the_process_may_run_on)
{
    struct environment environment;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    environment_read(&environment, 4096, 0, "/proc/self/cgroup");
    cr_expect_eq(environment.cpus, 1);
}
