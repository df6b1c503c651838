/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing /proc/PID/status (fs/proc/array.c, fs/proc/task_mmu.c:task_mem).
 */
#include "memory/proc_status.h"

#include <stddef.h>

#include "memory/text.h"

static const struct {
    const char *key;
    uint64_t offset, unit;
} FIELDS[] = {
    {"VmRSS:", offsetof(struct proc_status, resident_bytes), 1024},
    {"VmHWM:", offsetof(struct proc_status, peak_bytes), 1024},
    {"VmSwap:", offsetof(struct proc_status, swapped_bytes), 1024},
    {"VmSize:", offsetof(struct proc_status, mapped_bytes), 1024},
    {"VmData:", offsetof(struct proc_status, data_bytes), 1024},
    {"Threads:", offsetof(struct proc_status, threads), 1},
};

static void take_line(struct text line, struct proc_status *status)
{
    for (unsigned i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        struct text rest = line;
        struct text key = text_take_word(&rest);
        uint64_t value;
        text_skip_spaces(&rest);
        if (text_equals(key, FIELDS[i].key) && text_take_decimal(&rest, &value) && value < UINT64_MAX / 1024)
            *(uint64_t *)((char *)status + FIELDS[i].offset) = value * FIELDS[i].unit;
    }
}

int proc_status_read(struct proc_status *status, const char *path)
{
    char buffer[2048];
    struct line_reader lines;
    struct text line;
    *status = (struct proc_status){0};
    int error = line_reader_open(&lines, path, buffer, sizeof buffer);
    if (error != 0)
        return error;
    while (line_reader_next(&lines, &line)) {
        /* "Threads:\t5": the separator is a tab */
        take_line(line, status);
    }
    line_reader_close(&lines);
    return lines.error;
}
