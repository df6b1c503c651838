/* SPDX-License-Identifier: Apache-2.0
 *
 * A kernel before 6.7, played by a seccomp filter that knows no PAGEMAP_SCAN: pagemap and smaps give the same answers.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/kernel_truth.h"

#define PAGEMAP_SCAN_REQUEST 0xc0606610u

static void forbid_pagemap_scan(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PAGEMAP_SCAN_REQUEST, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(77);
}

TOOLCHAIN_TEST(old_kernel, classes_add_up_by_pagemap_and_smaps, .timeout = 300)
{
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "mapdemo"), NULL},
        .before_exec = forbid_pagemap_scan,
    };
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "full");
    uint64_t rss_bytes, huge_bytes = 0;
    json_t *dump = dump_at_rest(watched, &rss_bytes);
    check_classes_add_up(dump, rss_bytes, "without PAGEMAP_SCAN");
    cr_expect_str_eq(dump_text(dump, "books/pagemap/how"), "pagemap");
    const char *name;
    json_t *sizes;
    json_object_foreach(json_object_get(json_object_get(dump, "rss"), "classes"), name, sizes) huge_bytes +=
        (uint64_t)json_integer_value(json_object_get(sizes, "huge"));
    cr_expect_eq(huge_bytes, smaps_sum(program_pid(watched->program), NULL).huge_bytes);
    json_decref(dump);
    watched_end(watched);
}
