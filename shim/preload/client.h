/* SPDX-License-Identifier: Apache-2.0
 *
 * What the program itself says and asks, through include/gopagewatch.h.
 *
 * A phase is a text that the dumper reads at each dump. Marks stand in a ring, so that the dumper never waits for a
 * thread of the program: it copies the last one and is sure of the copy when fewer than a ring's length have been made
 * since.
 *
 * A dump that is asked for here is made for its caller alone, with its label. Callers take turns; the one whose turn it
 * is puts its label down, wakes the dumper and waits for the answer:
 *
 *   FREE --caller--> ASKED --dumper--> ANSWERED --caller--> FREE
 *
 * Those that bring the program to rest wait on the control page, where the command asks (gopagewatch/control.h).
 */
#ifndef GPW_PRELOAD_CLIENT_H
#define GPW_PRELOAD_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gopagewatch.h"
#include "gopagewatch/control.h"

enum { PHASE_WORDS = GPW_LABEL_BYTES / sizeof(uint64_t), MARKS_COUNT = 8 };

struct client {
    _Atomic uint32_t mark_lock, dump_lock; /* 0 free, 1 taken, 2 taken and somebody waits */
    _Atomic uint64_t marks[MARKS_COUNT][PHASE_WORDS];
    _Atomic uint32_t marks_made; /* the last is at this number modulo MARKS_COUNT; of none: "" */
    _Atomic uint32_t request;    /* FREE, ASKED, ANSWERED */
    char label[GPW_LABEL_BYTES]; /* of the caller whose turn it is, until ANSWERED */
    int error;                   /* 0 or -errno, once ANSWERED */
};

/* What the program is handed out (gopagewatch.h). Its functions keep errno and may be called on any thread of the
 * program's; dump and settle_await wait. */
extern const struct gpw_functions gpw_client_functions;

/* The text that the program marked last. Allowed context: dumper. */
void client_phase(struct client *client, char phase[GPW_LABEL_BYTES]);

/* Whether a caller waits for a dump; its label is `label` then. Allowed context: dumper. */
bool client_is_asked(const struct client *client);
/* The dump for that caller has ended; error: 0 or -errno. Allowed context: dumper. */
void client_answer(struct client *client, int error);

#endif
