/* SPDX-License-Identifier: Apache-2.0
 *
 * A made Go program with maps, and the walk of one: what the tests of the walk share.
 */
#ifndef SUPPORT_WALKED_MAP_H
#define SUPPORT_WALKED_MAP_H

#include <string.h>

#include "goruntime/map_walk.h"
#include "tests/unit/support/fake_go.h"

enum { TOPHASH_EVACUATED = 2, CONTROL_DELETED = 0xfe };

extern struct fake_go go;
extern struct map_walk walk;
extern struct bump bump;
extern uintptr_t plain, string; /* types: int64, string */

bool is_swiss(void);
void open_go(const struct go_layout *layout);
void open_version(unsigned go_minor);
void run(uintptr_t map, uintptr_t type, bool is_deep);
void expect_part(enum map_part part, uint64_t objects, uint64_t asked_bytes);
void expect_calm(void);
/* A map of one bucket, or of one group. */
uintptr_t small_map(uintptr_t type, uint64_t count, uintptr_t *bucket);
uintptr_t put_string(uintptr_t at, uint64_t length);
uint64_t header_bytes(void);

#endif
