/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a process: its dump (GOPAGEWATCH_AT_EXIT=1), and the last of its events (GOPAGEWATCH_EVENTS).
 *
 * Go ends by a raw exit_group in runtime.exit: no destructor runs, so that function is patched and comes here. A C
 * program that hosts a Go library ends through libc: there our destructor is called. Whoever waits here is stopped for
 * as long as that takes, which is what was asked for. The rest of the program goes on meanwhile, with one P less, for a
 * thread in runtime.exit keeps its own: with GOMAXPROCS=1, or when a collection wants to stop the world, it waits too.
 */
#include <stddef.h>

#include "memory/raw.h"
#include "preload/shim.h"

/* A dump of hundreds of GiB takes seconds; a process that shall end must not hang. */
#define WAIT_NS (30ull * 1000000000)

static void say_last(void)
{
    struct shim *shim = &gpw_shim;
    if (atomic_load_explicit(&shim->state, memory_order_acquire) != SHIM_WATCHING)
        return;
    if (shim->options.at_exit)
        dumper_ask_and_wait(&shim->dumper, REASON_EXIT, WAIT_NS);
    else if (event_stream_is_wanted(&shim->event_stream))
        dumper_ask_and_wait(&shim->dumper, REASON_NO_DUMP, WAIT_NS);
}

/* Called by the stub of runtime.exit, on a stack of the shim. */
_Noreturn void exit_begins(int code);

_Noreturn void exit_begins(int code)
{
    say_last();
    for (;;)
        raw_syscall6(SYS_exit_group, code, 0, 0, 0, 0, 0);
}

__attribute__((destructor)) static void end(void)
{
    say_last();
}
