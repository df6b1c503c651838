/* SPDX-License-Identifier: Apache-2.0
 *
 * The dump document (docs/dump-format.md): everything that goes into it, as plain data, and its writer.
 *
 * Whoever makes a dump (the shim; a command that looks from outside) fills this in; there is one writer.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_DOCUMENT_H
#define GPW_DUMP_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/environment.h"
#include "dump/findings.h"
#include "dump/json.h"
#include "dump/map_answer.h"
#include "dump/snapshot.h"
#include "gopagewatch/events_file.h"
#include "preload/events.h"

struct missing {
    const char *what, *why;
};

struct counter {
    const char *name;
    uint64_t value;
};

enum { BOOK_MISSING_MAX = 12, BOOK_COUNTERS_MAX = 16 };

struct book {
    const char *name, *how;
    struct missing missing[BOOK_MISSING_MAX];
    uint32_t missing_count;
    struct counter counters[BOOK_COUNTERS_MAX];
    uint32_t counters_count;
    uint64_t untrusted;
};

enum book_id { BOOK_SHIM, BOOK_GORUNTIME, BOOK_PAGEMAP, BOOK_MALLOC, BOOK_COUNT };

/* snapshot->heaps.books[i] is the heap of runtimes[i]. */
struct document_runtime {
    const char *module, *version, *madvise;
    uintptr_t start, end;
};

struct document_advice {
    const char *by, *advice;
    uint64_t calls, bytes, errors;
};

struct document {
    const char *reason, *label, *phase;
    uint64_t seq;
    uint64_t unix_ns, since_start_ns, took_ns;
    uint64_t pid;
    const char *comm, *exe, *host;
    struct environment environment;
    const char *gogc, *gomemlimit, *godebug, *gomaxprocs; /* NULL: unset */
    const char *go_version;
    const uint8_t *build_id;
    uint32_t build_id_bytes;
    struct book books[BOOK_COUNT];
    struct snapshot *snapshot;
    const struct document_runtime *runtimes;
    uint32_t runtimes_count;
    struct findings findings;
    const struct document_advice *advices;
    uint32_t advices_count;
    const struct events *events;                 /* NULL: there are none */
    const struct gpw_events_header *events_file; /* NULL: they are not streamed to a file */
    const char *events_path;                     /* of that */
    const struct callsites *callsites;           /* NULL: there are none */
    const struct go_purposes *const *purposes;
    uint32_t purposes_count;
    const struct shadow *shadow;   /* NULL: there is none */
    const struct map_answer *maps; /* that were asked about */
    uint32_t maps_count;
    uint64_t start_ticks;
    double ns_per_tick;
};

void book_miss(struct book *book, const char *what, const char *why);
void book_count(struct book *book, const char *name, uint64_t value);

/* Writes the whole document. Errors are the writer's: json_finish returns them. `bump` serves as scratch. */
void document_write(struct json *json, const struct document *document, struct bump *bump);

#endif
