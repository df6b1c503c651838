/* SPDX-License-Identifier: Apache-2.0
 *
 * The directory that dumps are written to. It is watched from before the first signal is sent, so no dump is missed and
 * nothing is polled: a dump is there when it has its name.
 */
#ifndef SUPPORT_OUTBOX_H
#define SUPPORT_OUTBOX_H

#include <limits.h>
#include <stddef.h>

struct program;

struct outbox {
    const char *directory; /* the caller's */
    int inotify;
    char events[4096] __attribute__((aligned(8))); /* read and not yet looked at */
    size_t events_begin, events_end;
    char path[PATH_MAX]; /* of the last dump */
};

/* Begins to watch. `directory` must live as long as the outbox. Or fails the test. */
void outbox_open(struct outbox *outbox, const char *directory);
void outbox_close(struct outbox *outbox);

/* The path of the next dump, in the order in which they came. Waits for it, and fails the test when it does not come or
 * the program ends first. Valid until the next call. */
const char *outbox_await(struct outbox *outbox, struct program *program);

/* The path of the next dump if it is there already, or NULL. Valid as above. */
const char *outbox_next(struct outbox *outbox);

/* How many files the directory holds, of every name. */
unsigned outbox_count_files(const struct outbox *outbox);

#endif
