/* SPDX-License-Identifier: Apache-2.0
 *
 * "go.profile": the sampled objects of all heaps, by the stack that allocated them.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_DOCUMENT_PROFILE_H
#define GPW_DUMP_DOCUMENT_PROFILE_H

#include "dump/heap_books.h"
#include "dump/json.h"

enum { PROFILE_ROWS_MAX = 1000 /* of each heap */ };

/* null when no heap has a sampled object. `bump` serves as scratch. */
void document_write_profile(struct json *json, const struct heap_books *heaps, struct bump *bump);

#endif
