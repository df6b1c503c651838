/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at addresses of a live Go process: opened once, asked for as many as one likes.
 */
#ifndef GPW_HARNESS_PAGE_LOOK_H
#define GPW_HARNESS_PAGE_LOOK_H

#include "harness/live_look.h"
#include "harness/page_facts.h"
#include "memory/residency.h"

struct page_look {
    struct live_look live;
    struct residency residency;
    struct heap_books *books; /* of its own: the snapshot walks in address order */
    bool has_snapshot;        /* taken when an address needs it: what lies outside the arenas */
};

/* False: `error`, and nothing is open. Must not be moved while it is open. */
bool page_look_open(struct page_look *look, const char *subcommand, const char *thing, int pid, struct error *error);
void page_look_close(struct page_look *look);

/* Fills `facts`, whose texts live as long as `look`. False: `error`; the process has ended. */
bool page_look_at(struct page_look *look, uintptr_t address, struct page_facts *facts, struct error *error);

/* The virtual pages that a frame is mapped at, by address; the number, at most `pages_max`. `is_more`: there are
 * others. -1: `error`. Frames must be visible to us. */
int64_t page_look_find_frame(struct page_look *look, uint64_t frame, uintptr_t *pages, uint64_t pages_max,
                             bool *is_more, struct error *error);

#endif
