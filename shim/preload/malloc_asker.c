/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that asks the program's malloc.
 */
#include "preload/malloc_asker.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <time.h>

#include "memory/raw.h"
#include "preload/loaded_module.h"
#include "preload/old_libc.h"
#include "preload/shim.h"

/* Address space; so much of it becomes memory as is used. A thread's static TLS is on it too. */
enum { STACK_BYTES = 256 << 10 };

#define NS_PER_SECOND 1000000000ull
#define PATIENCE_NS (NS_PER_SECOND / 5)

static void *run(void *argument)
{
    struct malloc_asker *asker = argument;
    raw_syscall6(SYS_prctl, PR_SET_NAME, (long)"gpw-malloc", 0, 0, 0, 0);
    for (uint32_t answered = 0;;) {
        uint32_t asked = atomic_load_explicit(&asker->asked, memory_order_acquire);
        if (asked == answered) {
            raw_syscall6(SYS_futex, (long)&asker->asked, FUTEX_WAIT_PRIVATE, (long)asked, 0, 0, 0);
            continue;
        }
        asker->answer = (struct malloc_answer){0};
        asker->functions.read(asker->functions.statistics, &asker->answer);
        answered = asked;
        atomic_store_explicit(&asker->answered, answered, memory_order_release);
        raw_syscall6(SYS_futex, (long)&asker->answered, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    }
    return NULL;
}

/* The dumper has all signals blocked, and a thread inherits that. */
static bool start_thread(struct malloc_asker *asker)
{
    pthread_t thread;
    pthread_attr_t attributes;
    void *stack = region_take_stacks(&gpw_shim.region, STACK_BYTES, 1);
    if (stack == NULL)
        return false;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstack(&attributes, stack, STACK_BYTES);
    int error = pthread_create(&thread, &attributes, run, asker);
    pthread_attr_destroy(&attributes);
    return error == 0;
}

static bool holds_runtime(uintptr_t start, uintptr_t end)
{
    const struct watched_runtime *runtime;
    for (uint32_t at = 0; (runtime = shim_next_runtime(&at)) != NULL;) {
        if (runtime->found.image_start >= start && runtime->found.image_start < end)
            return true;
    }
    return false;
}

static void find_module(struct malloc_asker *asker, uintptr_t malloc_at)
{
    struct loaded_module module;
    if (!loaded_module_find(&module, asker->functions.statistics))
        return;
    asker->start = module.start;
    asker->end = module.end;
    asker->has_brk = asker->functions.uses_brk && malloc_at >= module.start && malloc_at < module.end;
    asker->is_in_program = holds_runtime(module.start, module.end);
}

/* libc's own malloc does not come by our hooks. A definition of malloc in an executable is always seen, since the
 * linker exports what a library defines too. */
static void find_hook_module(struct malloc_asker *asker, const void *malloc_at)
{
    struct loaded_module module, libc;
    asker->is_unplaced = !loaded_module_find(&module, malloc_at) ||
                         !loaded_module_find(&libc, (const void *)(uintptr_t)gnu_get_libc_version);
    if (asker->is_unplaced)
        return;
    if (module.start == libc.start)
        module = (struct loaded_module){asker->start, asker->end};
    uintptr_t executable = getauxval(AT_PHDR);
    asker->is_hook_in_program =
        holds_runtime(module.start, module.end) || (executable >= module.start && executable < module.end);
    atomic_store_explicit(&asker->hook_end, module.end, memory_order_relaxed);
    atomic_store_explicit(&asker->hook_start, module.start, memory_order_release);
}

void malloc_asker_open(struct malloc_asker *asker)
{
    const void *malloc_at = dlsym == NULL ? NULL : dlsym(RTLD_DEFAULT, "malloc");
    bool has_statistics = malloc_functions_find(&asker->functions);
    if (has_statistics)
        find_module(asker, (uintptr_t)malloc_at);
    find_hook_module(asker, malloc_at);
    if (!has_statistics)
        return;
    if (!start_thread(asker))
        asker->why_mute = "no thread could be started to ask the program's malloc; all of its memory counts as "
                          "c.heap.used";
}

static bool has_answered(const struct malloc_asker *asker)
{
    return atomic_load_explicit(&asker->answered, memory_order_acquire) ==
           atomic_load_explicit(&asker->asked, memory_order_relaxed);
}

/* False: it is late, or still at what it was asked the last time. */
static bool await_answer(struct malloc_asker *asker)
{
    if (!has_answered(asker))
        return false;
    atomic_fetch_add_explicit(&asker->asked, 1, memory_order_release);
    raw_syscall6(SYS_futex, (long)&asker->asked, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    uint64_t now_ns = raw_clock_ns(CLOCK_MONOTONIC), end_ns = now_ns + PATIENCE_NS;
    for (; now_ns < end_ns; now_ns = raw_clock_ns(CLOCK_MONOTONIC)) {
        uint32_t answered = atomic_load_explicit(&asker->answered, memory_order_acquire);
        if (has_answered(asker))
            return true;
        struct timespec rest = {0, (long)(end_ns - now_ns)};
        raw_syscall6(SYS_futex, (long)&asker->answered, FUTEX_WAIT_PRIVATE, (long)answered, (long)&rest, 0, 0);
    }
    return has_answered(asker);
}

static const char *why_lost(const struct malloc_asker *asker)
{
    if (asker->end == 0)
        return "it is not known where the code of the program's malloc lies; its memory counts as c.mmap";
    if (gpw_shim.callsites.rows == NULL)
        return "GOPAGEWATCH_STACKS=off: what the program's malloc maps is not told from other memory of C; it counts "
               "as c.mmap";
    return NULL;
}

void malloc_asker_ask(struct malloc_asker *asker, struct other_malloc *other)
{
    *other = (struct other_malloc){.name = asker->functions.name};
    if (other->name == NULL)
        return;
    other->start = asker->start;
    other->end = asker->end;
    other->has_brk = asker->has_brk;
    other->is_in_program = asker->is_in_program;
    other->why_lost = why_lost(asker);
    other->callers_count = early_mmaps_callers(&gpw_shim.early_mmaps, &other->callers);
    other->why_empty = asker->why_mute;
    uint64_t begin_ns = raw_clock_ns(CLOCK_MONOTONIC);
    if (other->why_empty == NULL && !await_answer(asker))
        other->why_empty = asker->functions.why_late;
    other->ask_ns = raw_clock_ns(CLOCK_MONOTONIC) - begin_ns;
    if (other->why_empty != NULL)
        return;
    other->why_empty = asker->answer.why_empty;
    other->used_bytes = asker->answer.used_bytes;
    other->counters_count = asker->answer.counters_count;
    for (uint32_t i = 0; i < other->counters_count; i++)
        other->counters[i] = asker->answer.counters[i];
}
