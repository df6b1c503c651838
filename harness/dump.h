/* SPDX-License-Identifier: Apache-2.0
 *
 * A dump as the command knows it: plain values, checked once when the file was read (docs/dump-format.md).
 *
 * Whoever holds a `struct dump` need not check it again: numbers are within range, the sums below do not overflow,
 * lists have as many entries as they say, texts hold no control characters and may be printed. Everything belongs to
 * one arena and lives until dump_free.
 */
#ifndef GPW_HARNESS_DUMP_H
#define GPW_HARNESS_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "gopagewatch/class.h"
#include "memory/bump.h"

struct map_answer;

/* A number that the dump gives as null. No number in a dump is so large: JSON integers are read as 63 bits. */
#define DUMP_NOT_KNOWN UINT64_MAX
#define DUMP_SIGNED_NOT_KNOWN INT64_MIN /* FIELD_SIGNED_NOT_KNOWN */

/* How many classes a dump may have that this version has no name for, and how long their names may be. */
enum { DUMP_NEW_CLASSES_MAX = 16, DUMP_CLASS_NAME_BYTES_MAX = 40 };

enum { DUMP_OCCUPANCY_TENTHS = 10 };

struct dump_sizes {
    uint64_t mapped_bytes, resident_bytes, swapped_bytes, huge_bytes, lazyfree_bytes;
};

/* A row of rss.classes. */
struct dump_class {
    const char *name;
    const char *meaning; /* NULL: a class of a later version */
    struct dump_sizes sizes;
};

struct dump_rss {
    uint64_t total_bytes;
    uint64_t peak_bytes, swapped_bytes; /* or DUMP_NOT_KNOWN */
    uint64_t stated_explained_bytes;    /* what the dump says; `explained_bytes` is what its rows add up to */
    uint64_t explained_bytes;
    struct dump_sizes sum; /* of all classes */
    /* The first CLASS_COUNT rows are indexed by enum memory_class (zeros where an older dump has no such class); those
     * of a later version follow in the order of the file, so that the rows always add up to `sum`. */
    struct dump_class *classes;
    uint32_t classes_count;
};

struct dump_time {
    const char *utc; /* ISO 8601 */
    uint64_t unix_ns;
    uint64_t since_start_ns, took_ns; /* or DUMP_NOT_KNOWN */
};

struct dump_process {
    uint64_t pid;
    uint64_t threads;              /* or DUMP_NOT_KNOWN */
    const char *comm, *exe, *host; /* or NULL */
};

/* What a comparison of two dumps must know; NULL and DUMP_NOT_KNOWN as in the file: not known, unset, no limit. */
struct dump_environment {
    const char *kernel, *machine, *go_version, *build_id;
    const char *gogc, *gomemlimit, *godebug, *gomaxprocs;
    const char *thp_enabled, *thp_defrag;
    uint64_t cpus, os_page_bytes, khugepaged_max_ptes_none, cgroup_memory_max_bytes;
};

struct dump_book {
    const char *name;
    const char *how;
    uint64_t untrusted_reads;
};

/* What a book does not know, and why. */
struct dump_missing {
    const char *book, *what, *why;
};

struct dump_counter {
    const char *book, *name;
    uint64_t value;
};

/* One advice of one caller; `bytes` counts the calls that succeeded. */
struct dump_advice {
    const char *by; /* "go" or "c" */
    const char *advice;
    uint64_t calls, bytes, errors;
};

/* One size of slot, over all heaps. */
struct dump_size_class {
    uint64_t slot_bytes;
    uint64_t spans, slots, objects;
    uint64_t object_bytes, mapped_bytes, resident_bytes;
    uint64_t sparse_bytes;                     /* resident, of spans that are less than a quarter full */
    uint64_t occupancy[DUMP_OCCUPANCY_TENTHS]; /* spans by the tenth of their slots that is allocated */
};

/* Objects with a span of their own. */
struct dump_large {
    uint64_t spans, object_bytes, resident_bytes, untouched_bytes;
};

/* The heap of one Go runtime. Where `layout` is NULL it was not walked, `why` says why, and the rest is not known. */
struct dump_heap {
    const char *module, *layout, *why;
    const char *gc_phase; /* or NULL */
    int64_t gc_percent;   /* GOGC, -1: off; or DUMP_SIGNED_NOT_KNOWN */
    uint64_t gc_cycles;   /* these four, or DUMP_NOT_KNOWN */
    uint64_t limit_bytes, goal_bytes, live_bytes;
    uint64_t spans, spans_unswept, objects;
};

/* Released memory that is resident all the same. */
struct dump_reinflated_range {
    uint64_t start, bytes, huge_bytes;
    uint64_t released_count, released_since_start_ns; /* or DUMP_NOT_KNOWN: there was no shim */
};

struct dump_reinflated {
    uint64_t resident_bytes, huge_bytes;
    struct dump_reinflated_range *ranges; /* the largest, by bytes falling */
    uint64_t ranges_count;
};

struct dump_arena {
    uint64_t start, bytes, resident_bytes;
    const char *pages; /* a page string (dump/page_string.h) of bytes / GO_PAGE_BYTES pages */
};

/* One class's share of one mapping. */
struct dump_map {
    uint64_t start, end;
    const char *permissions, *name, *class_name;
    struct dump_sizes sizes;
};

/* A file with code in it, as it was mapped. */
struct dump_module {
    uint64_t start, end;
    uint64_t bias;        /* address - bias is the address in the file */
    const char *path;     /* or "[vdso]" */
    const char *build_id; /* lower-case hexadecimal digits, or NULL: it has none */
};

/* A stack of a thread. */
struct dump_thread {
    uint64_t tid;     /* or DUMP_NOT_KNOWN: it has ended */
    const char *name; /* or NULL */
    uint64_t start, end;
    uint64_t resident_bytes;
    uint64_t below_bytes; /* resident below the stack pointer, or DUMP_NOT_KNOWN */
};

/* A stack that mmap, mremap or madvise were called from. */
struct dump_callsite {
    uint64_t id;
    const char *by, *operation, *detail; /* "go", "c" or "lost"; "mmap"; "rw-", "DONTNEED" */
    const char *purpose;                 /* NULL: of C's calls */
    uint64_t calls, errors;
    uint64_t bytes, unmapped_bytes, resident_bytes;
    uint64_t first_since_start_ns, last_since_start_ns;
    const uint64_t *frames; /* return addresses, innermost first */
    uint64_t frames_count;
};

/* One of the last mmap, munmap, mremap and madvise calls. */
struct dump_event {
    uint64_t since_start_ns, tid;        /* tid 0: that thread is gone */
    const char *by, *operation, *detail; /* as of a call site */
    uint64_t start, bytes;
    uint64_t error_number; /* errno; 0: it worked */
    uint64_t site;         /* id of its call site; 0: none */
};

/* The file that all of these calls are streamed to. */
struct dump_events_file {
    const char *path; /* NULL: there is none */
    uint64_t start_unix_ns;
};

/* Sampled objects of the program's own heap profile: what they take, and what they alone keep. */
struct dump_profile_sums {
    uint64_t objects, bytes, resident_bytes;
    uint64_t pinned_pages_bytes, pinned_spans_bytes; /* resident, and all objects there are these */
    uint64_t alone_on_page, alone_in_span;           /* objects */
    uint64_t alone_spans_bytes;                      /* resident of the spans of the latter */
};

/* What one stack allocated of one size. */
struct dump_profile_stack {
    const uint64_t *frames; /* return addresses, innermost first */
    uint64_t frames_count;
    uint64_t object_bytes;
    struct dump_profile_sums sums;
};

/* As the dump says it: of sampled objects only. harness/profile.h estimates what there is. */
struct dump_profile {
    bool is_there;
    uint64_t rate;                     /* MemProfileRate; or DUMP_NOT_KNOWN */
    struct dump_profile_stack *stacks; /* in the order of the file: most bytes first */
    uint64_t stacks_count;
    uint64_t left_out_stacks;
    struct dump_profile_sums left_out;
    uint64_t untrusted_lists;
};

struct dump_evidence {
    const char *name;
    const char *text; /* NULL: it is a number */
    uint64_t number;
};

/* What stands out, with what shows it and what to do about it. */
struct dump_finding {
    const char *id, *text, *advice;
    uint64_t bytes;
    struct dump_evidence *evidence;
    uint64_t evidence_count;
};

struct dump {
    const char *reason;
    const char *label; /* "" when none was given */
    const char *phase; /* "" when the program marked none */
    uint64_t seq;
    struct dump_time time;
    struct dump_process process;
    struct dump_environment environment;
    struct dump_rss rss;
    struct dump_book *books;
    uint64_t books_count;
    struct dump_missing *missing; /* of all books */
    uint64_t missing_count;
    struct dump_counter *counters; /* of all books */
    uint64_t counters_count;
    struct dump_advice *advices;
    uint64_t advices_count;
    struct dump_size_class *size_classes; /* by slot size, rising */
    uint64_t size_classes_count;
    struct dump_large large;
    struct dump_heap *heaps;
    uint64_t heaps_count;
    struct dump_profile profile;
    struct dump_reinflated reinflated;
    struct dump_arena *arenas; /* by address */
    uint64_t arenas_count;
    struct map_answer *go_maps; /* dump/map_answer.h; in the order that they were asked for */
    uint64_t go_maps_count;
    struct dump_map *maps; /* by address */
    uint64_t maps_count;
    struct dump_callsite *callsites; /* by id; none without the shim */
    uint64_t callsites_count;
    struct dump_thread *threads; /* by address; none in a dump of an older version */
    uint64_t threads_count;
    struct dump_module *modules; /* by address, without overlap; none in a dump of an older version */
    uint64_t modules_count;
    struct dump_events_file events_file;
    struct dump_finding *findings; /* in the order of the file: by bytes falling */
    uint64_t findings_count;
    struct bump bump;          /* holds all of the above */
    struct dump_event *events; /* oldest first; only where they were asked for: dump_load_with_events */
    uint64_t events_count;
    struct bump events_bump; /* holds the events, so that they can go before the rest (harness/dump_events.h) */
};

/* The book of that name, or NULL. */
const struct dump_book *dump_find_book(const struct dump *dump, const char *name);
/* The value of a counter, 0 when the dump has none of that name. */
uint64_t dump_counter_value(const struct dump *dump, const char *book, const char *name);

/* Gives back what dump_load took; a zeroed dump is fine. */
void dump_free(struct dump *dump);

#endif
