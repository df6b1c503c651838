/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs that rest (tests/apps/internal/rest): what Go says of its heap, and dumps taken while nothing moves.
 */
#ifndef SUPPORT_REST_H
#define SUPPORT_REST_H

#include <jansson.h>
#include <stdint.h>

#include "tests/e2e/support/program.h"
#include "tests/e2e/support/watched.h"

/* runtime/metrics: the first five are /memory/classes/heap/...:bytes. */
struct heap_truth {
    uint64_t objects, unused, stacks, free, released;
    uint64_t count; /* of objects */
    uint64_t goal, cycles;
};

/* What was seen between two equal lines of truth, while the kernel's sums did not change either. */
struct rest {
    struct heap_truth truth;
    char line[1024];         /* of truth: for words of the program's own */
    json_t *dump, *attached; /* NULL: not asked for */
    uint64_t rss_bytes;      /* by smaps */
};

enum rest_dumps { REST_SIGNAL = 1, REST_ATTACH = 2 };

/* Waits until the program rests in the phase and takes these dumps of it: by the shim inside (`watched`), by
 * `gopagewatch attach` from outside (into `directory`). `watched` may be NULL when REST_SIGNAL is not asked for. Fails
 * the test when it never rests. For rest_free. */
struct rest rest_take(struct program *program, struct watched *watched, const char *directory, const char *phase,
                      unsigned dumps);
/* The usual case: by signal. */
struct rest rest_dump(struct watched *watched, const char *phase);

void rest_free(struct rest *rest);

/* A dump of the program from outside. For json_decref. Or fails the test. */
json_t *attach_dump(struct program *program, const char *directory);

#endif
