/* SPDX-License-Identifier: Apache-2.0
 *
 * The file that a watched process streams its memory calls to (GOPAGEWATCH_EVENTS): docs/events-format.md.
 *
 * A header, then room for `capacity` records, used round and round. The record that was written as number n (from 0)
 * stands in slot n % capacity. The records from `dropped` up to `written` are whole at any time, also when the process
 * was killed in the middle: `dropped` goes up before a record is overwritten, `written` after it is there.
 *
 * Little-endian. Within version 1 fields are only added, behind those that there are: whoever reads goes by
 * header_bytes and record_bytes.
 */
#ifndef GOPAGEWATCH_EVENTS_FILE_H
#define GOPAGEWATCH_EVENTS_FILE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define GPW_EVENTS_FILE_PREFIX "gopagewatch.events/"
#define GPW_EVENTS_FILE_VERSION "gopagewatch.events/1"

enum { GPW_EVENTS_VERSION_BYTES = 32, GPW_EVENTS_HEADER_BYTES = 256, GPW_EVENTS_RECORD_BYTES = 48 };

struct gpw_events_header {
    char version[GPW_EVENTS_VERSION_BYTES]; /* zeros behind it */
    uint32_t header_bytes;                  /* the first record is there */
    uint32_t record_bytes;                  /* from one to the next */
    uint64_t pid;                           /* in its own namespace */
    uint64_t start_unix_ns;                 /* when the shim began: the same number is in the dumps of that process */
    /* The clock of the records, read beside the monotonic one: at the start, and when this was written last. */
    uint64_t start_monotonic_ns, start_ticks;
    uint64_t last_monotonic_ns, last_ticks;
    uint64_t capacity;
    uint64_t written; /* ever */
    uint64_t dropped; /* of these, overwritten by later ones */
    uint64_t lost;    /* events that were not written: they came too fast, or the file could not take them */
    uint8_t zeros[GPW_EVENTS_HEADER_BYTES - 120];
};

enum gpw_events_operation { GPW_EVENTS_MMAP, GPW_EVENTS_MUNMAP, GPW_EVENTS_MREMAP, GPW_EVENTS_MADVISE };
enum gpw_events_by { GPW_EVENTS_BY_GO = 1, GPW_EVENTS_BY_C = 2 };
enum { GPW_EVENTS_OTHER_ADVICE = 255 };

struct gpw_events_record {
    uint64_t ticks;
    uint64_t stack_pointer; /* of the call: tells the thread */
    uint64_t start;         /* of the range; for mmap and mremap the result */
    uint64_t bytes;
    int32_t error;     /* 0, or errno */
    uint8_t operation; /* enum gpw_events_operation */
    uint8_t by;        /* enum gpw_events_by */
    uint8_t detail;    /* mmap: PROT_ bits; madvise: the kernel's number, or GPW_EVENTS_OTHER_ADVICE */
    uint8_t zero;
    uint16_t site; /* id in the call sites of a dump of that process; 0: none */
    uint8_t zeros[6];
};

static_assert(sizeof(struct gpw_events_header) == GPW_EVENTS_HEADER_BYTES, "no gaps");
static_assert(offsetof(struct gpw_events_header, zeros) == 120, "as documented");
static_assert(sizeof(struct gpw_events_record) == GPW_EVENTS_RECORD_BYTES, "no gaps");
static_assert(offsetof(struct gpw_events_record, site) == 40, "as documented");

#endif
