/* SPDX-License-Identifier: Apache-2.0
 *
 * What a type is called, by its descriptor: as reflect prints it, "main.node" or "map[string]int".
 *
 * The name stands among the types of the module that the descriptor lies in (moduledata.types), also in a stripped
 * program. Types that a program makes with package reflect have theirs in a table of Go's own, which is not read.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_GORUNTIME_GO_TYPE_NAME_H
#define GPW_GORUNTIME_GO_TYPE_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/go_type.h"
#include "goruntime/heap_find.h"

enum { GO_TYPE_NAME_BYTES = 512 };

/* The name of the type whose descriptor lies at `address` and says `head`; cut with "..." where it does not fit.
 * Hostile: it may hold any byte but 0. False: it lies in no module's types, or cannot be read. */
bool go_type_name(char name[GO_TYPE_NAME_BYTES], const struct go_heap *heap, uintptr_t address,
                  const struct go_type_head *head);

#endif
