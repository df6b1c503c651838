/* SPDX-License-Identifier: Apache-2.0
 *
 * What preload/start.c does when a Go runtime is found, without the runtime.
 */
#include "tests/unit/support/watching.h"

#include <stdlib.h>

#include "preload/hook_stacks.h"

static void must(bool is_done)
{
    if (!is_done)
        abort();
}

void watching_begin(void)
{
    struct shim *shim = &gpw_shim;
    must(region_open(&shim->region, 256 << 20));
    must(shadow_open(&shim->shadow, &shim->region, 0));
    must(events_open(&shim->events, &shim->region));
    hook_stacks_open(&gpw_hook_stacks, &shim->region);
    must(gpw_hook_stacks.base != 0);
    atomic_store(&shim->state, SHIM_WATCHING);
}

struct event watching_last_event(void)
{
    struct event event = {0};
    uint64_t recorded = atomic_load(&gpw_shim.events.next);
    must(recorded > 0 && event_read(&gpw_shim.events, recorded - 1, &event));
    return event;
}
