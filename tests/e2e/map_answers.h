/* SPDX-License-Identifier: Apache-2.0
 *
 * What `gopagewatch map --json` says. All keys of an answer that tests ask for by name are in map_answers.c.
 */
#ifndef GPW_TESTS_E2E_MAP_ANSWERS_H
#define GPW_TESTS_E2E_MAP_ANSWERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/e2e/map_truth.h"

/* `gopagewatch map ARGUMENT...`, NULL at the end, with --json. For json_decref. Not exit 0, words on stderr, or another
 * schema: fails the test. */
json_t *map_answers_run(const char *const *arguments);

/* Of one variable. Borrowed. Or fails the test. */
const json_t *map_answer_of(const json_t *answers, const char *variable);

/* A number that has the same name in the program's truth. */
uint64_t map_answer_number(const json_t *answer, const char *name);
bool map_answer_is_known(const json_t *answer); /* there is no `why` */

/* Without what depends on when it was asked, and on what else is in the heap then. For json_decref. */
json_t *map_answer_lasting(const json_t *answer);

struct map_answer_part {
    uint64_t objects, asked_bytes, allocated_bytes, spans_bytes, go_pages, resident_bytes, image_bytes;
};

/* All zero when it is not told of. TRUTH_PARTS: the total. */
struct map_answer_part map_answer_part(const json_t *answer, unsigned part);

#endif
