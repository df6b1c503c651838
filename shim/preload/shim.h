/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of the shim in this process: one struct, all zero until a Go runtime is found.
 *
 * IDLE: no Go runtime known. Hooks pass through and look for the first mmap of one. Zero, so that a hook that runs
 * before any of our code does the right thing.
 *
 * OPENING: one thread sets the state up; hooks pass through.
 *
 * WATCHING: hooks record.
 *
 * OFF: a forked child, or set-up failed: hooks pass through for good.
 *
 * Set-up has two stages. The first, when a runtime is found, needs system calls only and may run in a hook (a Go
 * runtime in a shared library can start before our constructor). The second needs libc (environment, thread, signal
 * handler) and runs when the runtime begins, known by its first mmap: not earlier, for the program's own constructors
 * may need a process with one thread (runc enters its namespaces there).
 */
#ifndef GPW_PRELOAD_SHIM_H
#define GPW_PRELOAD_SHIM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "goruntime/heap_find.h"
#include "goruntime/purpose.h"
#include "goruntime/runtime_find.h"
#include "gopagewatch/advice.h"
#include "preload/callsites.h"
#include "preload/client.h"
#include "preload/control.h"
#include "preload/dumper.h"
#include "preload/early_mmaps.h"
#include "preload/event_stream.h"
#include "preload/events.h"
#include "preload/malloc_asker.h"
#include "preload/options.h"
#include "preload/output.h"
#include "preload/own_pagemap.h"
#include "preload/region.h"
#include "preload/shadow.h"
#include "preload/signal_chain.h"
#include "preload/stacks.h"
#include "preload/watches.h"

enum shim_state { SHIM_IDLE, SHIM_OPENING, SHIM_WATCHING, SHIM_OFF };

enum { RUNTIMES_MAX = 8, STRANGERS_MAX = 64, MODULE_PATH_BYTES = 512 };

struct watched_runtime {
    /* Two may be found at once: a thread claims the first free entry for its module, fills it in and publishes it
     * (release). Then it does not change but for what is marked below. Entries are claimed in order, for ever. */
    _Atomic uintptr_t claimed_for; /* image_start, or 0 */
    _Atomic int is_watched;
    struct go_runtime found;
    char module[MODULE_PATH_BYTES];
    const char *madvise_unseen; /* NULL: runtime.madvise is patched; else the reason why not, a sentence */
    uintptr_t trampoline;       /* the page that the patched function jumps to, or 0 */
    /* Written by the second stage. */
    const char *exit_unseen; /* the same for runtime.exit, when a dump at exit is wanted */
    uintptr_t exit_trampoline;
    struct go_purposes purposes;   /* the dumper's: looked up at the first dump */
    struct go_heap heap;           /* the dumper's: looked for at each dump until it is found */
    _Atomic uintptr_t mmap_caller; /* return address of the runtime's calls of mmap; 0: not learned yet */
};

struct advice_counter {
    _Atomic uint64_t calls, bytes, errors; /* bytes: of the calls that succeeded */
};

/* A module that was looked at and is no Go runtime. */
struct stranger {
    _Atomic uintptr_t start, end; /* `end` is written last (release); 0: free, or being written */
    uint64_t fingerprint;         /* of its ELF header: another module may be loaded there later */
};

enum caller { CALLER_GO, CALLER_C, CALLER_COUNT };

struct shim {
    _Atomic int state;
    struct region region;
    struct shadow shadow;
    struct events events;
    struct callsites callsites;
    struct early_mmaps early_mmaps;
    struct stacks stacks;
    struct advice_counter advices[CALLER_COUNT][ADVICE_COUNT];

    struct watched_runtime runtimes[RUNTIMES_MAX];
    struct stranger strangers[STRANGERS_MAX]; /* once known they stay; when it is full, new ones are looked at again */
    _Atomic uint32_t strangers_count;

    uint64_t start_ticks, start_monotonic_ns;
    char **environment; /* as the program got it */
    struct options options;
    struct watches watches;
    struct signal_chain signals;
    struct control control;
    struct client client;
    struct dumper dumper;
    struct malloc_asker malloc_asker;
    struct output output;
    struct own_pagemap pagemap;
    struct event_stream event_stream;
    _Atomic int is_constructed;    /* our constructor has run */
    _Atomic int has_runtime_begun; /* a watched runtime has made its first mmap */
    _Atomic int is_second_stage_done;
};

extern struct shim gpw_shim;

/* The next watched runtime; `at` begins with 0. NULL: there are no more. Allowed context: hook. */
static inline struct watched_runtime *shim_next_runtime(uint32_t *at)
{
    while (*at < RUNTIMES_MAX) {
        struct watched_runtime *runtime = &gpw_shim.runtimes[(*at)++];
        if (atomic_load_explicit(&runtime->is_watched, memory_order_acquire))
            return runtime;
        if (atomic_load_explicit(&runtime->claimed_for, memory_order_relaxed) == 0)
            break;
    }
    return NULL;
}

/* A Go runtime was found in `module`: does the first stage if that was not done, patches, and adds the runtime. NULL
 * when it cannot be watched. Allowed context: constructor, discovery. */
struct watched_runtime *shim_watch(const struct go_runtime *runtime, const char *module);

/* Looks at the module that an mmap was called from that looks like a Go runtime's first. Once for each module. NULL: it
 * is none. Allowed context: hook; takes less than 2 KiB of the stack while the module is no Go runtime. */
struct watched_runtime *shim_discover(uintptr_t caller);

/* `runtime` makes its first mmap: time for the second stage, once and not before our constructor.
 *
 * Allowed context: discovery, that is: in the mmap hook, but on the thread that starts a Go runtime, in C code that the
 * runtime called, with the whole of a pthread's or the main stack free and no lock of libc held. */
void shim_runtime_begins(struct watched_runtime *runtime);

#endif
