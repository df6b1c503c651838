/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers about maps that are made up: each number of the full one is another one, so that none can stand for another.
 */
#ifndef GPW_TESTS_MADE_MAP_H
#define GPW_TESTS_MADE_MAP_H

#include "dump/map_answer.h"

/* A Swiss map that is deep, torn, and has all parts but old buckets and overflow. */
struct map_answer made_map_swiss(void);
/* Of buckets, growing. */
struct map_answer made_map_growing(void);
struct map_answer made_map_nil(void);
struct map_answer made_map_not_known(void);

#endif
