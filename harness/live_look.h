/* SPDX-License-Identifier: Apache-2.0
 *
 * One look at a live process from outside: the process and the books of it, for a snapshot (attach, top).
 *
 * A look costs the process nothing but what reading it takes: it is neither stopped nor attached to. All memory of a
 * look is given back when it is closed.
 */
#ifndef GPW_HARNESS_LIVE_LOOK_H
#define GPW_HARNESS_LIVE_LOOK_H

#include "harness/live_process.h"
#include "harness/outside.h"

struct live_look {
    struct outside *outside;
    struct live_process process;
    struct pace pace;
    char maps[PROC_PATH_BYTES], pagemap[PROC_PATH_BYTES], smaps[PROC_PATH_BYTES], status[PROC_PATH_BYTES],
        tasks[PROC_PATH_BYTES], cgroup[PROC_PATH_BYTES];
};

/* Opens it, ready for outside_take and outside_dump. `look` must not be moved afterwards; `subcommand` and `thing` must
 * outlive it. False: `error`, and nothing is open. */
bool live_look_open(struct live_look *look, const char *subcommand, int pid, const char *thing, struct error *error);
void live_look_close(struct live_look *look);

/* Gives way to the process while it is looked at, and reads smaps only where Go frees lazily: smaps takes longer than
 * all the rest, and the process waits for it when it maps memory. What C freed lazily counts as resident then. */
void live_look_be_light(struct live_look *look);

#endif
