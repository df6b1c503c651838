/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a dump whose rows are as many as the process has memory: go, maps, call sites and modules.
 */
#ifndef GPW_HARNESS_DUMP_DECODE_GO_H
#define GPW_HARNESS_DUMP_DECODE_GO_H

#include <jansson.h>
#include <stdbool.h>

#include "harness/dump.h"
#include "harness/fields.h"

/* Each fills their part of `dump`; false: the context's error says what is wrong. */
bool dump_decode_go(struct fields_context context, const json_t *document, struct dump *dump);
bool dump_decode_go_maps(struct fields_context context, const json_t *document, struct dump *dump);
bool dump_decode_maps(struct fields_context context, const json_t *document, struct dump *dump);
bool dump_decode_callsites(struct fields_context context, const json_t *document, struct dump *dump);
bool dump_decode_threads(struct fields_context context, const json_t *document, struct dump *dump);
bool dump_decode_modules(struct fields_context context, const json_t *document, struct dump *dump);

#endif
