/* SPDX-License-Identifier: Apache-2.0
 *
 * The maps that somebody asked about: all of their answers, and their part of the document.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_DOCUMENT_MAPS_H
#define GPW_DUMP_DOCUMENT_MAPS_H

#include <stdint.h>

#include "dump/map_answer.h"
#include "memory/bump.h"

/* An answer for each of `count` paths, in `bump`; `paths` must outlive them. NULL: the reserve of `bump` is used up. */
const struct map_answer *map_answers_make(const struct map_path *paths, uint32_t count, const struct map_source *source,
                                          struct bump *bump);

/* An array of them. */
void document_write_maps(struct json *json, const char *key, const struct map_answer *answers, uint32_t count);

#endif
