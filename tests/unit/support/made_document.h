/* SPDX-License-Identifier: Apache-2.0
 *
 * A dump document that is made up, small and with something under every key: two classes, one mapping of both, one
 * arena, four events of which one is of a thread that is known, advice, counters, things missing, two
 * watched maps.
 */
#ifndef GPW_TESTS_MADE_DOCUMENT_H
#define GPW_TESTS_MADE_DOCUMENT_H

#include "dump/document.h"
#include "tests/unit/support/json_file.h"

enum { MADE_TID = 4712, MADE_START_TICKS = 1000 };

struct made_document {
    struct bump bump;
    struct region region;
    struct events events;
    struct vma vma;
    struct map_row rows[2];
    struct arena arena;
    struct arena *arenas[1];
    struct snapshot snapshot;
    struct document_runtime runtime;
    struct document_advice advice;
    struct map_answer maps[2];
    struct document document;
    struct json_file file;
};

void made_document_make(struct made_document *made);
/* Writes it and reads it back. The caller frees it. */
struct json_t *made_document_write(struct made_document *made);

#endif
