/* SPDX-License-Identifier: Apache-2.0
 *
 * From the ring to the file.
 */
#include "preload/event_stream.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "gopagewatch/advice.h"
#include "memory/clock.h"
#include "memory/file_identity.h"
#include "memory/raw.h"
#include "memory/units.h"
#include "preload/descriptor.h"
#include "preload/log.h"
#include "preload/shadow.h"

enum { FILE_MODE = 0600, OPEN_FLAGS = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY };

static const char ANOTHER_PATH[] = "; set GOPAGEWATCH_EVENTS to a path that can be written";

/* How long a hook that has its number and not yet its event is waited for; and in which steps at the end. */
#define PATIENCE_NS 10000000ull
#define NAP_NS 500000

_Static_assert((int)EVENT_MMAP == GPW_EVENTS_MMAP && (int)EVENT_MUNMAP == GPW_EVENTS_MUNMAP &&
                   (int)EVENT_MREMAP == GPW_EVENTS_MREMAP && (int)EVENT_MADVISE == GPW_EVENTS_MADVISE,
               "the file has the ring's operations");
_Static_assert((int)ORIGIN_GO == GPW_EVENTS_BY_GO && (int)ORIGIN_C == GPW_EVENTS_BY_C, "and its callers");

/* ---- the file's place ---- */

void event_stream_open(struct event_stream *stream, const struct options *options, const struct output *output)
{
    stream->file_bytes = options->events_file_bytes;
    if (options->events[0] == '\0' || output_name_other(output, options->events, stream->path))
        return;
    stream->path[0] = '\0';
    log_error("no events file: the path that GOPAGEWATCH_EVENTS makes is longer than 4095 bytes; give a shorter one");
    strcpy(stream->why, "the path that GOPAGEWATCH_EVENTS makes is too long");
}

bool event_stream_is_wanted(const struct event_stream *stream)
{
    return stream->path[0] != '\0';
}

/* Says it once: later failures are of the same kind. `cause`: "" or what the kernel says. */
static void complain_because(struct event_stream *stream, const char *what, const char *cause, const char *mend)
{
    const char *const parts[] = {what, cause[0] == '\0' ? "" : ": ", cause};
    if (stream->why[0] != '\0')
        return;
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
        strncat(stream->why, parts[i], sizeof stream->why - 1 - strlen(stream->why));
    log_error("no events file: ", stream->path, " ", stream->why, mend);
}

static void complain(struct event_stream *stream, const char *what, const char *mend)
{
    complain_because(stream, what, "", mend);
}

static void complain_errno(struct event_stream *stream, const char *what, int error, const char *mend)
{
    char number[NUMBER_TEXT_BYTES + 8];
    complain_because(stream, what, error_text(error, number), mend);
}

/* ---- opening ---- */

static int lock(int fd)
{
    return (int)raw_syscall6(SYS_flock, fd, LOCK_EX | LOCK_NB, 0, 0, 0, 0);
}

/* A file of nobody else's, and with nothing in it that is not ours: it is going to be emptied. */
static bool may_use(struct event_stream *stream, int fd, struct stat *status)
{
    char front[sizeof GPW_EVENTS_FILE_PREFIX - 1];
    static const char ANOTHER[] = "; give another path in GOPAGEWATCH_EVENTS, or take the file away";
    int error = lock(fd);
    if (error == -EWOULDBLOCK)
        complain(stream, "is being written by another process", "; put %p (the pid) into GOPAGEWATCH_EVENTS");
    else if ((error = (int)raw_fstat(fd, status)) != 0)
        complain_errno(stream, "cannot be looked at", error, ANOTHER);
    else if (!S_ISREG(status->st_mode))
        complain(stream, "is no regular file", ANOTHER);
    else if (status->st_uid != (uid_t)raw_syscall6(SYS_geteuid, 0, 0, 0, 0, 0, 0))
        complain(stream, "belongs to another user", ANOTHER);
    else if (status->st_size != 0 && (raw_pread(fd, front, sizeof front, 0) != sizeof front ||
                                      memcmp(front, GPW_EVENTS_FILE_PREFIX, sizeof front) != 0))
        complain(stream, "is there and is no events file", ANOTHER);
    else
        return true;
    return false;
}

static int open_file(struct event_stream *stream)
{
    struct stat status = {0};
    int fd = raw_open(stream->path, OPEN_FLAGS | O_CREAT, FILE_MODE);
    if (fd < 0) {
        complain_errno(stream, "cannot be created", fd, ANOTHER_PATH);
        return fd;
    }
    fd = descriptor_move_up(fd);
    if (may_use(stream, fd, &status)) {
        int error = (int)raw_syscall6(SYS_ftruncate, fd, 0, 0, 0, 0, 0);
        stream->file = (struct file_identity){status.st_dev, status.st_ino};
        if (error == 0)
            return fd;
        complain_errno(stream, "cannot be emptied", error, ANOTHER_PATH);
    }
    raw_close(fd);
    return -1;
}

/* The program may have closed it, and have another file at that number now. A descriptor, or -1. */
static int file_of(struct event_stream *stream)
{
    int fd = atomic_load_explicit(&stream->fd, memory_order_relaxed) - 1;
    if (fd >= 0 && file_identity_is_at(&stream->file, fd))
        return fd;
    fd = raw_open(stream->path, OPEN_FLAGS, 0);
    if (fd < 0 || !file_identity_is_at(&stream->file, fd)) {
        if (fd >= 0)
            raw_close(fd);
        complain(stream, "was closed by the program and is not there any more", "; the calls from now on are lost");
        return -1;
    }
    fd = descriptor_move_up(fd);
    lock(fd);
    atomic_store_explicit(&stream->fd, fd + 1, memory_order_relaxed);
    return fd;
}

/* ---- writing ---- */

static int write_all(int fd, const void *bytes, uint64_t count, uint64_t offset)
{
    while (count > 0) {
        long written = raw_syscall6(SYS_pwrite64, fd, (long)bytes, (long)count, (long)offset, 0, 0);
        if (raw_failed(written) || written == 0)
            return written == 0 ? -EIO : (int)written;
        bytes = (const char *)bytes + written;
        offset += (uint64_t)written;
        count -= (uint64_t)written;
    }
    return 0;
}

static int write_header(struct event_stream *stream, int fd)
{
    stream->header.last_ticks = clock_ticks();
    stream->header.last_monotonic_ns = raw_clock_ns(CLOCK_MONOTONIC);
    return write_all(fd, &stream->header, sizeof stream->header, 0);
}

/* The slots from that of record number `written` on, `count` of them, `first` being the first in the buffer. */
static int write_run(const struct event_stream *stream, int fd, uint64_t written, uint32_t first, uint64_t count)
{
    uint64_t slot = written % stream->header.capacity;
    return write_all(fd, stream->records + first, count * sizeof stream->records[0],
                     sizeof stream->header + slot * sizeof stream->records[0]);
}

/* Gives up the records that are to be overwritten, overwrites, and only then says that the new ones are there. */
static int write_records(struct event_stream *stream, int fd)
{
    struct gpw_events_header *header = &stream->header;
    uint32_t count = stream->records_count;
    uint64_t until_wrap = min_u64(count, header->capacity - header->written % header->capacity);
    uint64_t kept_from = header->written + count > header->capacity ? header->written + count - header->capacity : 0;
    int error = 0;
    if (kept_from > header->dropped) {
        header->dropped = kept_from;
        error = write_header(stream, fd);
    }
    if (error == 0)
        error = write_run(stream, fd, header->written, 0, until_wrap);
    if (error == 0 && until_wrap < count)
        error = write_run(stream, fd, header->written + until_wrap, (uint32_t)until_wrap, count - until_wrap);
    if (error != 0)
        return error;
    header->written += count;
    return write_header(stream, fd);
}

static void flush(struct event_stream *stream)
{
    uint64_t written = stream->header.written;
    int fd, error;
    if (stream->records_count == 0)
        return;
    fd = file_of(stream);
    error = fd < 0 ? -EBADF : write_records(stream, fd);
    if (fd >= 0 && error != 0)
        complain_errno(stream, "cannot be written", error, "; what does not fit in is lost and counted");
    if (stream->header.written == written) /* it may be better next time */
        stream->header.lost += stream->records_count;
    stream->records_count = 0;
}

/* ---- taking ---- */

static uint8_t detail_of(const struct event *event)
{
    static const int NUMBERS[] = {
#define X(id, value, name) [ADVICE_##id] = (value),
        GPW_ADVICES(X)
#undef X
    };
    if (event->operation != EVENT_MADVISE)
        return event->detail;
    int number = event->detail < ADVICE_COUNT ? NUMBERS[event->detail] : -1;
    return number < 0 ? (uint8_t)GPW_EVENTS_OTHER_ADVICE : (uint8_t)number;
}

static void add_record(struct event_stream *stream, const struct event *event)
{
    stream->records[stream->records_count++] = (struct gpw_events_record){
        .ticks = event->ticks,
        .stack_pointer = event->stack_pointer,
        .start = event->start,
        .bytes = event->bytes,
        .error = event->error,
        .operation = event->operation,
        .by = event->by,
        .detail = detail_of(event),
        .site = event->site,
    };
    /* Never more than the file holds: a record does not overwrite one of the same flush. */
    if (stream->records_count == min_u64(EVENT_STREAM_BUFFER_RECORDS, stream->header.capacity))
        flush(stream);
}

/* An event that is not there is on its way, or was lost, which nobody can tell: some time is left to it, the same time
 * to all that had their numbers when it began. While the ring is about to be overwritten there is none. */
static bool is_worth_waiting(struct event_stream *stream, uint64_t end)
{
    uint64_t now_ns = raw_clock_ns(CLOCK_MONOTONIC);
    if (stream->next >= stream->awaited_end) {
        stream->awaited_end = end;
        stream->awaited_since_ns = now_ns;
    }
    return now_ns - stream->awaited_since_ns < PATIENCE_NS && end - stream->next < EVENTS_CAPACITY / 2;
}

void event_stream_take(struct event_stream *stream, const struct events *events)
{
    struct event event;
    if (stream->records == NULL)
        return;
    uint64_t end = atomic_load_explicit(&events->next, memory_order_acquire);
    while (stream->next < end) {
        uint64_t pending = end - stream->next;
        if (pending > EVENTS_CAPACITY) {
            stream->header.lost += pending - EVENTS_CAPACITY;
            stream->next = end - EVENTS_CAPACITY;
            continue;
        }
        if (event_read(events, stream->next, &event))
            add_record(stream, &event);
        else if (is_worth_waiting(stream, end))
            break;
        else
            stream->header.lost++;
        stream->next++;
    }
    flush(stream);
}

void event_stream_take_last(struct event_stream *stream, const struct events *events)
{
    struct timespec nap = {0, NAP_NS};
    if (stream->records == NULL)
        return;
    uint64_t end = atomic_load_explicit(&events->next, memory_order_acquire);
    for (;;) {
        event_stream_take(stream, events);
        if (stream->next >= end)
            return;
        raw_syscall6(SYS_nanosleep, (long)&nap, 0, 0, 0, 0, 0);
    }
}

/* ---- beginning and end ---- */

static void fill_header(struct event_stream *stream, struct event_stream_start start)
{
    uint64_t passed_ns = raw_clock_ns(CLOCK_MONOTONIC) - start.monotonic_ns;
    stream->header = (struct gpw_events_header){
        .version = GPW_EVENTS_FILE_VERSION,
        .header_bytes = GPW_EVENTS_HEADER_BYTES,
        .record_bytes = GPW_EVENTS_RECORD_BYTES,
        .pid = (uint64_t)raw_getpid(),
        .start_unix_ns = raw_clock_ns(CLOCK_REALTIME) - passed_ns,
        .start_monotonic_ns = start.monotonic_ns,
        .start_ticks = start.ticks,
        .capacity = (stream->file_bytes - GPW_EVENTS_HEADER_BYTES) / GPW_EVENTS_RECORD_BYTES,
    };
}

void event_stream_begin(struct event_stream *stream, struct events *events, struct region *region,
                        struct event_stream_start start, _Atomic uint32_t *taker)
{
    struct gpw_events_record *records = NULL;
    if (!event_stream_is_wanted(stream))
        return;
    int fd = open_file(stream);
    if (fd < 0)
        return;
    fill_header(stream, start);
    int error = write_header(stream, fd);
    if (error == 0)
        records = region_take(region, EVENT_STREAM_BUFFER_RECORDS * sizeof records[0]);
    if (records == NULL) {
        complain_errno(stream, "cannot be written", error == 0 ? -ENOMEM : error,
                       "; set GOPAGEWATCH_EVENTS to a place with room");
        raw_close(fd);
        return;
    }
    stream->records = records;
    atomic_store_explicit(&stream->fd, fd + 1, memory_order_relaxed);
    events_wake(events, taker);
}

void event_stream_forget(struct event_stream *stream)
{
    int fd = atomic_exchange_explicit(&stream->fd, 0, memory_order_relaxed) - 1;
    if (fd >= 0 && file_identity_is_at(&stream->file, fd))
        raw_close(fd);
    stream->path[0] = '\0';
}
