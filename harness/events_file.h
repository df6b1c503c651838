/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a file of memory calls (GOPAGEWATCH_EVENTS, docs/events-format.md), call by call: it may be larger than the
 * memory at hand, and its process may still be writing.
 *
 * The file may be anything. Whatever is read of it is checked against bounds that are not its own.
 */
#ifndef GPW_HARNESS_EVENTS_FILE_H
#define GPW_HARNESS_EVENTS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "gopagewatch/events_file.h"
#include "harness/dump.h"
#include "harness/error.h"

enum { EVENTS_FILE_BUFFER_BYTES = 64 << 10 };

struct events_file {
    int fd;
    struct gpw_events_header header; /* checked; as it was when the file was opened */
    double ns_per_tick;
    uint64_t next;           /* number of the record to read */
    uint64_t overtaken;      /* records that the process dropped before they were read */
    const struct dump *dump; /* whose threads and call sites the calls are of; NULL: the threads are not known */
    uint64_t buffered_from;  /* numbers of the records in the buffer */
    uint64_t buffered_to;
    bool has_failed; /* the error is about this file */
    unsigned char *buffer;
};

/* True, and the caller calls events_file_close; or false and `error` tells why, without naming the path. */
bool events_file_open(struct events_file *file, const char *path, struct error *error);
void events_file_close(struct events_file *file);

/* Whether the dump is of the process that wrote the file, and of this run of it. From then on calls have threads. */
bool events_file_belongs_to(struct events_file *file, const struct dump *dump, struct error *error);

/* The next call, the oldest first; its texts are constants. False: there is none, or `has_failed` and `error`. */
bool events_file_next(struct events_file *file, struct dump_event *event, struct error *error);

#endif
