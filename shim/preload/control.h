/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's side of the control page (gopagewatch/control.h).
 */
#ifndef GPW_PRELOAD_CONTROL_H
#define GPW_PRELOAD_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "gopagewatch/control.h"
#include "preload/make_dump.h"

struct control {
    struct gpw_control *page; /* NULL: there is none, dumps are asked for by signal alone */
    uint32_t request;         /* in hand: what `answered` becomes */
    bool has_request;
    char label[GPW_LABEL_BYTES];
};

/* No descriptor, no memory, memfd_create forbidden: there is no page then. Allowed context: discovery. */
void control_open(struct control *control);
/* The page stays the parent's. Allowed context: forked child. */
void control_forget(struct control *control);

/* Takes what is asked for now. Afterwards `label` is the request's, or "". Allowed context: dumper. */
void control_take(struct control *control);

/* Answers the request in hand, if there is one. Allowed context: dumper. */
void control_answer(struct control *control, const struct dump_outcome *outcome);

/* For a thread that brings the program to rest: reports `done` (0: nothing) and waits for the next request, whose
 * number it returns; never 0. Allowed context: a thread of the program's, in a call that waits. */
uint32_t control_settle_await(struct gpw_control *page, uint32_t done);

#endif
