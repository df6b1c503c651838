/* SPDX-License-Identifier: Apache-2.0
 *
 * The events of a dump, for who asks: they are most of its bytes, and only a time line shows them.
 */
#ifndef GPW_HARNESS_DUMP_EVENTS_H
#define GPW_HARNESS_DUMP_EVENTS_H

#include <jansson.h>
#include <stdbool.h>

#include "harness/dump.h"
#include "harness/error.h"

/* Adds the events of `document` to `dump`, which was read from it. False: `error` names what is missing or wrong; then
 * `dump` has no events. */
bool dump_events_read(struct dump *dump, const json_t *document, struct error *error);
/* Gives back what they take; none are fine. */
void dump_events_drop(struct dump *dump);

#endif
