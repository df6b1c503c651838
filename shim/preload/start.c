/* SPDX-License-Identifier: Apache-2.0
 *
 * The beginning: is this a Go program, and if so, set everything up before its runtime starts.
 *
 * Most processes that the shim is loaded into are not Go programs (the shell, timeout, env that start one). There the
 * constructor reads a few headers and leaves, and the hooks pass through.
 */
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "memory/limits.h"
#include "memory/raw.h"
#include "memory/units.h"
#include "memory/vma.h"
#include "memory/clock.h"
#include "preload/hook_stacks.h"
#include "preload/log.h"
#include "preload/output.h"
#include "preload/patch.h"
#include "preload/shim.h"

enum { PAGE_BYTES = 4096 };

/* 16,384 leaves: arenas and other memory in a terabyte of address space. Without access until used. */
#define REGION_BYTES (1ull << 30)
/* What looking at a program takes; less where address space is rationed. */
#define SCRATCH_BYTES (64ull << 20)
#define SCRATCH_LEAST_BYTES (1ull << 20)

struct shim gpw_shim;
struct hook_stacks gpw_hook_stacks;

/* The memory that was mapped before any code of the program ran is the loader's: TLS of the main thread, link maps. */
static void mark_loader_memory(const struct vma_list *list, const struct bump *scratch)
{
    for (uint64_t i = 0; i < list->count; i++) {
        const struct vma *vma = &list->vmas[i];
        if (vma_is_private_anonymous(vma) && vma->is_writable && vma->name[0] == '\0')
            shadow_mark_mapped(&gpw_shim.shadow, vma->start, vma->end - vma->start, ORIGIN_LOADER, true, 0);
    }
    /* Ours, gone in a moment or known anyway. */
    shadow_mark_unmapped(&gpw_shim.shadow, (uintptr_t)scratch->start, scratch->reserved_bytes);
    shadow_mark_unmapped(&gpw_shim.shadow, gpw_shim.region.start, gpw_shim.region.bytes);
}

/* The file mapped at `address`; without /proc the name that the program was started by. */
static const char *module_at(const struct vma_list *list, uintptr_t address)
{
    for (uint64_t i = 0; i < list->count; i++) {
        const struct vma *vma = &list->vmas[i];
        if (address >= vma->start && address < vma->end && vma_is_file(vma))
            return vma->name;
    }
    return (const char *)getauxval(AT_EXECFN);
}

/* The first stage. System calls only. */
static bool open_books(void)
{
    struct shim *shim = &gpw_shim;
    shim->start_ticks = clock_ticks();
    shim->start_monotonic_ns = raw_clock_ns(CLOCK_MONOTONIC);
    if (!region_open(&shim->region, limits_share_bytes(REGION_BYTES)) ||
        !shadow_open(&shim->shadow, &shim->region, shim->start_ticks))
        return false;
    events_open(&shim->events, &shim->region);
    hook_stacks_open(&gpw_hook_stacks, &shim->region);
    return true;
}

/* Sets an entry up that this thread has claimed. */
static void watch(struct watched_runtime *runtime, const struct go_runtime *found, const char *module)
{
    runtime->found = *found;
    strncpy(runtime->module, module, sizeof runtime->module - 1);
    runtime->madvise_unseen =
        gpw_hook_stacks.base == 0 ? "no memory for the hook's stacks" : patch_madvise(found, &runtime->trampoline);
    atomic_store_explicit(&runtime->is_watched, 1, memory_order_release);
}

/* Another thread is at it: a matter of a few system calls. No lock: a thread that will not come to its end is not
 * waited for, and the runtime is found by a later call. */
static bool await(const _Atomic int *value, int passing)
{
    enum { YIELDS_MAX = 10000 };
    for (int i = 0; i < YIELDS_MAX && atomic_load_explicit(value, memory_order_acquire) == passing; i++)
        raw_syscall6(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
    return atomic_load_explicit(value, memory_order_acquire) != passing;
}

static struct watched_runtime *add_runtime(const struct go_runtime *found, const char *module)
{
    for (uint32_t i = 0; i < RUNTIMES_MAX; i++) {
        struct watched_runtime *runtime = &gpw_shim.runtimes[i];
        uintptr_t claimed_for = 0;
        if (atomic_compare_exchange_strong(&runtime->claimed_for, &claimed_for, found->image_start))
            watch(runtime, found, module);
        else if (claimed_for != found->image_start)
            continue;
        return await(&runtime->is_watched, 0) ? runtime : NULL;
    }
    return NULL;
}

struct watched_runtime *shim_watch(const struct go_runtime *found, const char *module)
{
    int state = SHIM_IDLE;
    if (atomic_compare_exchange_strong(&gpw_shim.state, &state, SHIM_OPENING)) {
        bool is_open = open_books();
        struct watched_runtime *runtime = is_open ? add_runtime(found, module) : NULL;
        if (!is_open)
            log_error(module, " is not watched: no memory for the shim's tables", LIMITS_MEND);
        atomic_store_explicit(&gpw_shim.state, is_open ? SHIM_WATCHING : SHIM_OFF, memory_order_release);
        return runtime;
    }
    bool is_open = await(&gpw_shim.state, SHIM_OPENING) && atomic_load(&gpw_shim.state) == SHIM_WATCHING;
    return is_open ? add_runtime(found, module) : NULL;
}

/* fork, not vfork and not Go's own clone: the child has our memory but not our thread. */
static void in_forked_child(void)
{
    atomic_store(&gpw_shim.state, SHIM_OFF);
    control_forget(&gpw_shim.control);
    event_stream_forget(&gpw_shim.event_stream);
    own_pagemap_forget(&gpw_shim.pagemap);
    signal_chain_remove(&gpw_shim.signals);
}

/* GOPAGEWATCH_FOLLOW=0. The string is emptied in place and the array keeps its length: Go finds the auxiliary vector
 * behind the array's end (runtime/os_linux.go:sysargs). */
static void leave_environment(void)
{
    char *value = (char *)environment_value(gpw_shim.environment, "LD_PRELOAD");
    for (char *entry = value; entry != NULL && *entry != '\0';) {
        uint64_t bytes = strcspn(entry, ": ");
        char *next = entry + bytes + (entry[bytes] != '\0');
        char after_name = entry[bytes];
        entry[bytes] = '\0';
        bool is_ours = strstr(entry, "libgopagewatch") != NULL;
        entry[bytes] = after_name;
        if (is_ours)
            memmove(entry, next, strlen(next) + 1);
        else
            entry = next;
    }
}

/* The patch reaches into a second instruction, so nobody may be between the two. Nobody is in the runtime that begins
 * now, nor in one that has not begun. One that began before our constructor runs already, and one that is found later
 * is left alone: these come to at_exit.c by libc's way out alone. */
static void patch_exits(struct shim *shim, const struct watched_runtime *beginning)
{
    struct watched_runtime *runtime;
    for (uint32_t at = 0; (runtime = shim_next_runtime(&at)) != NULL;) {
        if (gpw_hook_stacks.base == 0)
            runtime->exit_unseen = "no memory for the hook's stacks";
        else if (runtime == beginning || atomic_load(&runtime->mmap_caller) == 0)
            runtime->exit_unseen = patch_exit(&runtime->found, &runtime->exit_trampoline);
        else { /* in a library: its program leaves by libc's way, as a rule */
            runtime->exit_unseen = "the Go runtime began before the shim's constructor; os.Exit is not seen";
            continue;
        }
        if (runtime->exit_unseen != NULL)
            log_error(shim->options.at_exit ? "no dump at exit of " : "the last events are not kept at exit of ",
                      runtime->module, ": ", runtime->exit_unseen,
                      shim->options.at_exit ? "; set GOPAGEWATCH_EVERY, or ask before it ends"
                                            : "; those of its last 0.2 s may be missing");
    }
}

/* Calls that are made before this have no stack: the runtime's first is the one that brings us here. */
static void open_stacks(struct shim *shim)
{
    if (shim->options.stacks != STACKS_OFF && callsites_open(&shim->callsites, &shim->region))
        stacks_open(&shim->stacks, &shim->region, shim->options.stacks == STACKS_ALL);
    early_mmaps_close(shim);
}

static void start_second_stage(const struct watched_runtime *beginning)
{
    struct shim *shim = &gpw_shim;
    char number[NUMBER_TEXT_BYTES + 8], signal[NUMBER_TEXT_BYTES];
    if (atomic_exchange(&shim->is_second_stage_done, 1))
        return;
    log_open();
    options_read(&shim->options, shim->environment);
    if (!shim->options.follow)
        leave_environment();
    if (shim->options.watch != NULL)
        watches_read(&shim->watches, shim->options.watch);
    open_stacks(shim);
    output_open(&shim->output, &shim->options);
    event_stream_open(&shim->event_stream, &shim->options, &shim->output);
    control_open(&shim->control);
    int error =
        dumper_start(&shim->dumper, shim->control.page == NULL ? NULL : &shim->control.page->asked, &shim->options);
    if (error != 0) {
        atomic_store(&shim->state, SHIM_OFF); /* nobody would ever read what the hooks record */
        log_error("cannot start a thread: ", error_text(error, number), "; no dumps from this process",
                  error == -ENOMEM ? LIMITS_MEND : "; raise the limit (ulimit -u, the cgroup's pids.max)");
        return;
    }
    if (shim->options.at_exit || event_stream_is_wanted(&shim->event_stream))
        patch_exits(shim, beginning);
    pthread_atfork(NULL, NULL, in_forked_child);
    if (shim->options.signal != 0 && (error = signal_chain_install(&shim->signals, shim->options.signal)) != 0)
        log_error("cannot install a handler of signal ", number_text((uint64_t)shim->options.signal, signal), ": ",
                  error_text(error, number), "; no dumps by it: choose another in GOPAGEWATCH_SIGNAL");
    const struct watched_runtime *runtime;
    for (uint32_t at = 0; (runtime = shim_next_runtime(&at)) != NULL;) {
        log_info("watching ", runtime->module, " (", runtime->found.version.text, "), runtime.madvise ",
                 runtime->madvise_unseen == NULL ? "patched" : runtime->madvise_unseen);
    }
}

void shim_runtime_begins(struct watched_runtime *runtime)
{
    atomic_store(&gpw_shim.has_runtime_begun, 1);
    if (!atomic_load(&gpw_shim.is_constructed))
        return;
    int before = errno; /* this runs inside a call of mmap that succeeds */
    start_second_stage(runtime);
    errno = before;
}

/* The program headers stand right behind the ELF header in what any linker makes; elf_image_read checks. */
static uintptr_t executable_base(void)
{
    return align_down(getauxval(AT_PHDR), PAGE_BYTES);
}

static void watch_executable(struct bump *scratch)
{
    struct reader_process reader;
    struct go_runtime found;
    struct vma_list list;
    void *buffer = bump_take(scratch, RUNTIME_FIND_SCRATCH_BYTES);
    reader_process_open(&reader, raw_getpid());
    bool is_go = buffer != NULL && runtime_find(&found, &reader.reader, executable_base(), "/proc/self/exe", buffer);
    reader_process_close(&reader);
    if (!is_go || !found.has_libc)
        return;
    if (vma_list_read(&list, "/proc/self/maps", scratch) != 0)
        list.count = 0;
    if (shim_watch(&found, module_at(&list, found.image_start)))
        mark_loader_memory(&list, scratch);
}

__attribute__((constructor)) static void start(int argc, char **argv, char **environment)
{
    (void)argc;
    (void)argv;
    struct bump scratch;
    if (getauxval(AT_SECURE) != 0) /* setuid: the environment is not to be trusted */
        return;
    gpw_shim.environment = environment;
    if (bump_open_between(&scratch, SCRATCH_BYTES, SCRATCH_LEAST_BYTES) == 0) {
        watch_executable(&scratch);
        bump_close(&scratch);
    } else {
        log_error("this process is not watched: no memory to look at its program", LIMITS_MEND);
    }
    atomic_store(&gpw_shim.is_constructed, 1);
    /* A library that this program is linked against may have begun before us. */
    if (atomic_load(&gpw_shim.has_runtime_begun))
        start_second_stage(NULL);
    if (atomic_load(&gpw_shim.state) == SHIM_IDLE)
        early_mmaps_close(&gpw_shim); /* no Go program */
}
