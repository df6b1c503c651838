/* SPDX-License-Identifier: Apache-2.0
 *
 * The sections of a report, each in a file of its own, in the order in which they stand. For report_dump.c, and for
 * `diff`, which says in the same words whose dump it is.
 *
 * A section that has nothing to say writes nothing, its heading neither.
 */
#ifndef GPW_HARNESS_REPORT_PARTS_H
#define GPW_HARNESS_REPORT_PARTS_H

#include "harness/report.h"
#include "harness/wrap.h"

struct report {
    FILE *out;
    const struct dump *dump;
    const struct report_options *options;
    bool knows_residency;    /* false: of a core without holes */
    struct symbols *symbols; /* for all sections; NULL: there was no memory for names */
};

/* Sentences are not made longer than this, however wide the terminal is. */
enum { REPORT_SENTENCE_COLUMNS = 110 };
uint32_t report_sentence_columns(const struct report_options *options);

/* How many of `count` rows are shown, when `few` are by default. */
uint64_t report_rows_shown(const struct report_options *options, uint64_t count, uint32_t few);

/* What ends the line about rows that are not shown: " (--top N)", unless N is at the most that the list can show. */
const char *report_top_hint(const struct report_options *options, uint32_t rows_max);

/* Why a book is not all there, by the first thing that it misses; NULL: it misses nothing. */
const char *report_why_missing(const struct dump *dump, const char *book);

/* "mapdemo (pid 4711) on web-3, go1.26.10, dump 3 (signal) at 2026-11-23T03:26:01Z" and the end of the line. */
void report_write_who(struct wrap *wrap, const struct dump *dump);

void report_write_headline(const struct report *report);     /* program, RSS, heap, hooks */
void report_write_classes(const struct report *report);      /* the table, and whether it adds up */
void report_write_findings(const struct report *report);     /* what stands out, what to do */
void report_write_size_classes(const struct report *report); /* and large objects */
void report_write_maps(const struct report *report);         /* Go maps that are watched */
void report_write_keepers(const struct report *report);      /* stacks of the heap profile */
void report_write_sites(const struct report *report);        /* who mapped memory, who gave it back */
void report_write_nameless(const struct report *report);     /* why the two before it lack names */
void report_write_threads(const struct report *report);      /* thread.stacks by thread */
void report_write_reinflated(const struct report *report);   /* released, resident all the same */
void report_write_arenas(const struct report *report);       /* the page map */
void report_write_limits(const struct report *report);       /* what is not known, lost or not trusted */
void report_write_advices(const struct report *report);      /* what the kernel was told by madvise */

#endif
