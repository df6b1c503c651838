/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing /proc/PID/status.
 */
#include "memory/proc_status.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/support/files.h"

static struct proc_status read_text(const char *text)
{
    struct memory_file file = memory_file_of_text(text);
    struct proc_status status;
    cr_assert_eq(proc_status_read(&status, file.path), 0);
    memory_file_close(&file);
    return status;
}

Test(proc_status, takes_the_four_totals)
{
    struct proc_status status = read_text("Name:\tVmRSS:\nUmask:\t0022\nVmPeak:\t  999 kB\nVmHWM:\t    2048 kB\n"
                                          "VmRSS:\t    1024 kB\nRssAnon:\t 5 kB\nVmSwap:\t       4 kB\nThreads:\t17\n");
    cr_expect_eq(status.resident_bytes, 1024 << 10);
    cr_expect_eq(status.peak_bytes, 2048 << 10);
    cr_expect_eq(status.swapped_bytes, 4 << 10);
    cr_expect_eq(status.threads, 17);
}

Test(proc_status, a_kernel_thread_has_no_memory)
{
    struct proc_status status = read_text("Name:\tkthreadd\nThreads:\t1\n");
    cr_expect_eq(status.resident_bytes, 0);
    cr_expect_eq(status.threads, 1);
}

Test(proc_status, numbers_that_overflow_count_as_nothing)
{
    struct proc_status status =
        read_text("VmRSS:\t18446744073709551616 kB\nVmHWM:\t18014398509481985 kB\nThreads:\t-1\n");
    cr_expect_eq(status.resident_bytes, 0);
    cr_expect_eq(status.peak_bytes, 0);
    cr_expect_eq(status.threads, 0);
}

Test(proc_status, a_long_line_does_not_hide_the_next)
{
    enum { LONG_BYTES = 10000 };
    static char text[LONG_BYTES + 200];
    memset(text, 'a', LONG_BYTES);
    strcpy(text + LONG_BYTES, "\nThreads:\t3\n");
    cr_expect_eq(read_text(text).threads, 3);
}

Test(proc_status, of_the_own_process_is_plausible)
{
    struct proc_status status;
    cr_assert_eq(proc_status_read(&status, "/proc/self/status"), 0);
    cr_expect_geq(status.threads, 1); /* Criterion may have one of its own */
    cr_expect_gt(status.resident_bytes, 0);
    cr_expect_geq(status.peak_bytes, status.resident_bytes);
    cr_expect_eq(status.resident_bytes % 4096, 0);
    cr_expect_eq(proc_status_read(&status, "/nonexistent/status"), -ENOENT);
}
