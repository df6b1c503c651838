/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of thread stacks. Names and stack pointers are asked for after the scan: a thread may have gone on meanwhile.
 */
#include "dump/thread_stacks.h"

#include <string.h>

#include "memory/text.h"
#include "memory/units.h"

enum {
    RED_ZONE_BYTES = 128, /* below the stack pointer, and in use (System V ABI) */
    TASK_PATH_BYTES = 96,
    SYSCALL_TEXT_BYTES = 256,
};

/* Resident bytes of [start, end). */
static uint64_t resident_bytes(const struct resident_set *resident, uintptr_t start, uintptr_t end)
{
    uint64_t bytes = 0;
    for (uint64_t i = resident_set_from(resident, start); i < resident->count && resident->runs[i].start < end; i++) {
        struct residency_run run = resident_run_decode(&resident->runs[i]);
        if (run.kind == RESIDENCY_RESIDENT)
            bytes += min_u64(run.end, end) - max_u64(run.start, start);
    }
    return bytes;
}

/* "TASKS/TID/FILE" */
static void make_path(char path[TASK_PATH_BYTES], const char *tasks_path, uint32_t tid, const char *file)
{
    char digits[NUMBER_TEXT_BYTES];
    const char *const parts[] = {tasks_path, "/", number_text(tid, digits), "/", file};
    uint64_t at = 0;
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (const char *from = parts[i]; *from != '\0' && at < TASK_PATH_BYTES - 1; from++)
            path[at++] = *from;
    }
    path[at] = '\0';
}

/* fs/proc/base.c:proc_pid_syscall: "running", or words of which the last two are the stack pointer and the program
 * counter. */
static uintptr_t stack_pointer_of(const char *text)
{
    struct text rest = text_of(text), before = {0}, last = {0};
    while (rest.at < rest.end && *rest.at != '\n') {
        before = last;
        last = text_take_word(&rest);
        text_skip_spaces(&rest);
    }
    uint64_t value;
    bool is_hex = before.end - before.at > 2 && text_take_char(&before, '0') && text_take_char(&before, 'x');
    return is_hex && text_take_hex(&before, &value) ? value : 0;
}

static void ask_thread(struct thread_stack *row, const char *tasks_path)
{
    char path[TASK_PATH_BYTES], text[SYSCALL_TEXT_BYTES];
    make_path(path, tasks_path, row->tid, "comm");
    if (read_small_file(path, row->name, sizeof row->name) < 0)
        row->name[0] = '\0';
    row->name[strcspn(row->name, "\n")] = '\0';
    make_path(path, tasks_path, row->tid, "syscall");
    if (read_small_file(path, text, sizeof text) < 0)
        return;
    uintptr_t stack_pointer = stack_pointer_of(text);
    if (stack_pointer >= row->start && stack_pointer < row->end)
        row->stack_pointer = stack_pointer;
}

void thread_stacks_find(struct thread_stacks *stacks, const struct known_ranges *known,
                        const struct resident_set *resident, const char *tasks_path, uint64_t os_page_bytes,
                        struct bump *bump)
{
    uint64_t count = 0, asked = 0;
    for (uint64_t i = 0; i < known->count; i++)
        count += known->ranges[i].memory_class == CLASS_THREAD_STACKS;
    *stacks = (struct thread_stacks){.rows = bump_take(bump, count * sizeof stacks->rows[0])};
    if (stacks->rows == NULL) {
        stacks->dropped = count;
        return;
    }
    for (uint64_t i = 0; i < known->count; i++) {
        const struct known_range *range = &known->ranges[i];
        if (range->memory_class != CLASS_THREAD_STACKS)
            continue;
        struct thread_stack *row = &stacks->rows[stacks->count++];
        *row = (struct thread_stack){.tid = range->tid, .start = range->start, .end = range->end};
        row->resident_bytes = resident_bytes(resident, row->start, row->end);
        if (row->tid != 0 && tasks_path != NULL && asked++ < THREADS_ASKED_MAX)
            ask_thread(row, tasks_path);
        if (row->stack_pointer > row->start + RED_ZONE_BYTES)
            row->below_bytes =
                resident_bytes(resident, row->start, align_down(row->stack_pointer - RED_ZONE_BYTES, os_page_bytes));
    }
}
