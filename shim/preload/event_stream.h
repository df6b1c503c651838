/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of all memory calls (GOPAGEWATCH_EVENTS, gopagewatch/events_file.h): what the ring holds for a moment, kept.
 *
 * The dumper empties the ring into the file: when a quarter of the ring is new (the hook that fills it wakes the
 * dumper), a few times a second, during and after each dump, and at the end. Hooks know nothing of the file.
 *
 * The file is written with pwrite, not mapped: a full disk is an error then, and no SIGBUS in the program. It is locked
 * (flock) while its process lives, so that a child with the same pattern keeps off it. The descriptor may be closed by
 * a program that closes all it does not know; it is looked at before each use, and the file is opened again.
 */
#ifndef GPW_PRELOAD_EVENT_STREAM_H
#define GPW_PRELOAD_EVENT_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gopagewatch/events_file.h"
#include "memory/file_identity.h"
#include "preload/events.h"
#include "preload/options.h"
#include "preload/output.h"

enum { EVENT_STREAM_BUFFER_RECORDS = 1024, EVENT_STREAM_WHY_BYTES = 128 };
#define EVENT_STREAM_INTERVAL_NS (1000000000ull / 5)

struct event_stream {
    char path[OUTPUT_PATH_BYTES]; /* "": nothing is streamed */
    uint64_t file_bytes;
    _Atomic int fd; /* plus one; 0: none */
    struct file_identity file;
    struct gpw_events_header header;   /* as it is in the file, or shall be */
    struct gpw_events_record *records; /* on their way to the file */
    uint32_t records_count;
    uint64_t next;                    /* number of the event in the ring that is taken next */
    uint64_t awaited_end;             /* numbers below, of events that are not there, are waited for */
    uint64_t awaited_since_ns;        /* monotonic */
    char why[EVENT_STREAM_WHY_BYTES]; /* events are missing; "": none */
};

/* Names the file. Allowed context: discovery, after output_open. */
void event_stream_open(struct event_stream *stream, const struct options *options, const struct output *output);

/* Whether a file was asked for. Allowed context: any, after event_stream_open. */
bool event_stream_is_wanted(const struct event_stream *stream);

/* Makes the file and has `taker` woken when there is something to take. When it cannot: one line on stderr, and `why`
 * is set. Allowed context: dumper. */
struct event_stream_start {
    uint64_t ticks, monotonic_ns;
};
void event_stream_begin(struct event_stream *stream, struct events *events, struct region *region,
                        struct event_stream_start start, _Atomic uint32_t *taker);

/* Takes what was there when it was called. A hook that was stopped in the middle of its event is left some time: what
 * comes behind it is taken by a later call. The last call waits instead. Allowed context: dumper. */
void event_stream_take(struct event_stream *stream, const struct events *events);
void event_stream_take_last(struct event_stream *stream, const struct events *events);

/* The file stays the parent's. Allowed context: forked child. */
void event_stream_forget(struct event_stream *stream);

#endif
