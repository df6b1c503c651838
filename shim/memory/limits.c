/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits on a process's mappings (mm/mmap.c:may_expand_vm, mm/util.c:__vm_enough_memory).
 */
#include "memory/limits.h"

#include <stddef.h>
#include <sys/resource.h>

#include "memory/proc_status.h"
#include "memory/raw.h"
#include "memory/text.h"
#include "memory/units.h"

enum { SHARE_PART = 4, SHARE_ALIGN_BYTES = 1 << 20, LINES_BYTES = 512, STRICT = '2' };

static uint64_t less(uint64_t limit, uint64_t taken)
{
    return limit - min_u64(taken, limit);
}

static uint64_t soft_limit(int resource)
{
    struct {
        uint64_t soft, hard;
    } limit = {0, 0};
    long result = raw_syscall6(SYS_prlimit64, 0, resource, 0, (long)&limit, 0, 0);
    return raw_failed(result) ? UINT64_MAX : limit.soft; /* RLIM64_INFINITY is UINT64_MAX */
}

static uint64_t left_of_limits(void)
{
    struct proc_status status;
    uint64_t address_space = soft_limit(RLIMIT_AS), data = soft_limit(RLIMIT_DATA);
    if ((address_space == UINT64_MAX && data == UINT64_MAX) || proc_status_read(&status, "/proc/self/status") != 0)
        return UINT64_MAX;
    return min_u64(address_space == UINT64_MAX ? UINT64_MAX : less(address_space, status.mapped_bytes),
                   data == UINT64_MAX ? UINT64_MAX : less(data, status.data_bytes));
}

/* "CommitLimit:    4085284 kB", "Committed_AS:   1234 kB" */
static uint64_t left_to_commit(void)
{
    char buffer[LINES_BYTES];
    struct line_reader lines;
    struct text line;
    uint64_t limit = UINT64_MAX, taken = 0;
    if (read_small_file("/proc/sys/vm/overcommit_memory", buffer, sizeof buffer) <= 0 || buffer[0] != STRICT ||
        line_reader_open(&lines, "/proc/meminfo", buffer, sizeof buffer) != 0)
        return UINT64_MAX;
    while (line_reader_next(&lines, &line)) {
        uint64_t kib;
        struct text key = text_take_word(&line);
        text_skip_spaces(&line);
        if (!text_take_decimal(&line, &kib) || kib >= UINT64_MAX / 1024)
            continue;
        if (text_equals(key, "CommitLimit:"))
            limit = kib * 1024;
        else if (text_equals(key, "Committed_AS:"))
            taken = kib * 1024;
    }
    line_reader_close(&lines);
    return limit == UINT64_MAX ? UINT64_MAX : less(limit, taken);
}

uint64_t limits_left_bytes(void)
{
    return min_u64(left_of_limits(), left_to_commit());
}

uint64_t limits_share_bytes(uint64_t wanted_bytes)
{
    return min_u64(wanted_bytes, align_down(limits_left_bytes() / SHARE_PART, SHARE_ALIGN_BYTES));
}
