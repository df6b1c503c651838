/* SPDX-License-Identifier: Apache-2.0
 *
 * The header is checked when the file is opened, each record when it is read. After a piece of records was read the
 * header is read again: what the process has dropped meanwhile may be half overwritten and is passed over.
 */
#include "harness/events_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/document_sites.h"
#include "gopagewatch/advice.h"
#include "memory/units.h"
#include "preload/events.h"

/* Beyond these no shim goes, and no product of them overflows. */
#define CAPACITY_MAX ((uint64_t)1 << 40)
#define NUMBER_MAX ((uint64_t)1 << 62)
enum { NEEDED_BYTES = offsetof(struct gpw_events_header, zeros) };
enum { STRIDE_BYTES_MAX = 4096, ERRNO_MAX = 4095, PROTECTION_MASK = 7 };

#define DAMAGED "the file is damaged, copy it again or take another"

/* ---- the header ---- */

static bool refuse_errno(int code, struct error *error)
{
    const char *mend = code == ENOENT ? "check the path (GOPAGEWATCH_EVENTS of the program that wrote it)"
                       : code == EACCES
                           ? "events files are readable by their owner only: run as the user of the program"
                           : "check the file and the disk it is on";
    return error_set(error, "%s; %s", strerror(code), mend);
}

static bool check_version(const struct gpw_events_header *header, struct error *error)
{
    static const char NAME_AN_EVENTS_FILE[] = "name the file that GOPAGEWATCH_EVENTS made";
    if (memcmp(header->version, GPW_EVENTS_FILE_PREFIX, sizeof GPW_EVENTS_FILE_PREFIX - 1) != 0)
        return error_set(error, "is no events file; %s", NAME_AN_EVENTS_FILE);
    if (memchr(header->version, '\0', sizeof header->version) == NULL)
        return error_set(error, "has a version without an end; " DAMAGED);
    if (strcmp(header->version, GPW_EVENTS_FILE_VERSION) == 0)
        return true;
    const char *version = header->version + sizeof GPW_EVENTS_FILE_PREFIX - 1;
    if (version[0] == '\0' || strspn(version, "0123456789") != strlen(version))
        return error_set(error, "has a version that is no number; " DAMAGED);
    return error_set(error, "has version %s of the format, and this gopagewatch reads 1; take a later gopagewatch",
                     version);
}

static bool check_numbers(const struct gpw_events_header *header, struct error *error)
{
    if (header->header_bytes < NEEDED_BYTES || header->header_bytes > STRIDE_BYTES_MAX ||
        header->record_bytes < GPW_EVENTS_RECORD_BYTES || header->record_bytes > STRIDE_BYTES_MAX)
        return error_set(error, "has a header of %" PRIu32 " bytes and records of %" PRIu32 "; " DAMAGED,
                         header->header_bytes, header->record_bytes);
    if (header->capacity == 0 || header->capacity > CAPACITY_MAX || header->written > NUMBER_MAX ||
        header->lost > NUMBER_MAX || header->dropped > header->written ||
        header->written - header->dropped > header->capacity)
        return error_set(
            error, "says that of %" PRIu64 " records %" PRIu64 " are dropped, with room for %" PRIu64 "; " DAMAGED,
            header->written, header->dropped, header->capacity);
    if (header->pid == 0 || header->pid > INT32_MAX || header->start_unix_ns > NUMBER_MAX ||
        header->last_ticks <= header->start_ticks || header->last_monotonic_ns <= header->start_monotonic_ns ||
        header->last_monotonic_ns > NUMBER_MAX)
        return error_set(error, "has a pid or times that cannot be; " DAMAGED);
    return true;
}

static bool read_header(int fd, struct gpw_events_header *header, struct error *error)
{
    struct stat status;
    *header = (struct gpw_events_header){0};
    if (fstat(fd, &status) != 0)
        return refuse_errno(errno, error);
    if (!S_ISREG(status.st_mode))
        return error_set(error, "is no regular file; name the file that GOPAGEWATCH_EVENTS made");
    ssize_t got = pread(fd, header, NEEDED_BYTES, 0);
    if (got < 0)
        return refuse_errno(errno, error);
    if (!check_version(header, error))
        return false;
    if (got < NEEDED_BYTES)
        return error_set(error, "is cut off in its header; " DAMAGED);
    return check_numbers(header, error);
}

bool events_file_open(struct events_file *file, const char *path, struct error *error)
{
    *file = (struct events_file){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (file->fd < 0)
        return refuse_errno(errno, error);
    file->buffer = malloc(EVENTS_FILE_BUFFER_BYTES);
    bool is_open = file->buffer != NULL
                       ? read_header(file->fd, &file->header, error)
                       : error_set(error, "there is no memory to read it; free some or raise the limit (ulimit -v)");
    if (!is_open) {
        events_file_close(file);
        return false;
    }
    const struct gpw_events_header *header = &file->header;
    file->ns_per_tick = (double)(header->last_monotonic_ns - header->start_monotonic_ns) /
                        (double)(header->last_ticks - header->start_ticks);
    file->next = header->dropped;
    return true;
}

void events_file_close(struct events_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->buffer);
    *file = (struct events_file){.fd = -1};
}

bool events_file_belongs_to(struct events_file *file, const struct dump *dump, struct error *error)
{
    if (dump->events_file.path == NULL)
        return error_set(error,
                         "the dump is of a process that wrote no such file; name the dump of pid %" PRIu64
                         ", run with GOPAGEWATCH_EVENTS",
                         file->header.pid);
    if (dump->process.pid != file->header.pid)
        return error_set(error, "is of pid %" PRIu64 ", and the dump of pid %" PRIu64 "; name the two of one process",
                         file->header.pid, dump->process.pid);
    if (dump->events_file.start_unix_ns != file->header.start_unix_ns)
        return error_set(error,
                         "is of another run of pid %" PRIu64 " than the dump (it began at another time); name the "
                         "two of one process",
                         file->header.pid);
    file->dump = dump;
    return true;
}

/* ---- records ---- */

static bool fail(struct events_file *file)
{
    file->has_failed = true;
    return false;
}

/* Reads from record `next` on, up to the end of the buffer, of the ring or of what is written. */
static bool fill(struct events_file *file, struct error *error)
{
    const struct gpw_events_header *header = &file->header;
    struct gpw_events_header now;
    uint64_t slot = file->next % header->capacity;
    uint64_t count = min_u64(header->written - file->next, header->capacity - slot);
    count = min_u64(count, EVENTS_FILE_BUFFER_BYTES / header->record_bytes);
    uint64_t bytes = count * header->record_bytes;
    ssize_t got = pread(file->fd, file->buffer, bytes, (off_t)(header->header_bytes + slot * header->record_bytes));
    if (got < 0)
        return refuse_errno(errno, error);
    if ((uint64_t)got < bytes)
        return error_set(error, "ends before the record %" PRIu64 " of %" PRIu64 "; " DAMAGED,
                         file->next + (uint64_t)got / header->record_bytes, header->written);
    file->buffered_from = file->next;
    file->buffered_to = file->next + count;
    /* Of this one field counts, and what may be wrong with it is harmless. */
    if (pread(file->fd, &now, NEEDED_BYTES, 0) != NEEDED_BYTES || now.start_unix_ns != header->start_unix_ns)
        return error_set(error, "was begun anew while it was read; name another");
    uint64_t kept_from = min_u64(now.dropped, header->written);
    if (kept_from > file->next) {
        file->overtaken += kept_from - file->next;
        file->next = kept_from;
    }
    return true;
}

static uint64_t tid_of(const struct dump *dump, uint64_t stack_pointer)
{
    for (uint64_t low = 0, high = dump == NULL ? 0 : dump->threads_count; low < high;) {
        uint64_t middle = low + (high - low) / 2;
        const struct dump_thread *thread = &dump->threads[middle];
        if (stack_pointer < thread->start)
            high = middle;
        else if (stack_pointer >= thread->end)
            low = middle + 1;
        else
            return thread->tid == DUMP_NOT_KNOWN ? 0 : thread->tid;
    }
    return 0;
}

static uint8_t advice_of(uint8_t number)
{
    static const int NUMBERS[] = {
#define X(id, value, name) [ADVICE_##id] = (value),
        GPW_ADVICES(X)
#undef X
    };
    for (int i = 0; i < ADVICE_COUNT; i++) {
        if (NUMBERS[i] == (int)number)
            return (uint8_t)i;
    }
    return ADVICE_OTHER;
}

static bool refuse_record(uint64_t number, const char *what, uint64_t value, struct error *error)
{
    return error_set(error, "the record %" PRIu64 " has %s %" PRIu64 ", which there is not; " DAMAGED, number, what,
                     value);
}

static bool check_record(uint64_t number, const struct gpw_events_record *record, struct error *error)
{
    if (record->operation > GPW_EVENTS_MADVISE)
        return refuse_record(number, "operation", record->operation, error);
    if (record->by != GPW_EVENTS_BY_GO && record->by != GPW_EVENTS_BY_C)
        return refuse_record(number, "caller", record->by, error);
    if (record->error < 0 || record->error > ERRNO_MAX)
        return refuse_record(number, "errno", (uint32_t)record->error, error);
    return true;
}

/* Another core's clock may lag behind. What a damaged record says of the time may be anything. */
static uint64_t since_start_ns(const struct events_file *file, uint64_t ticks)
{
    uint64_t start = file->header.start_ticks;
    double ns = ticks > start ? (double)(ticks - start) * file->ns_per_tick : 0;
    return ns < (double)NUMBER_MAX ? (uint64_t)ns : NUMBER_MAX;
}

static void decode(const struct events_file *file, const struct gpw_events_record *record, struct dump_event *event)
{
    bool is_advice = record->operation == GPW_EVENTS_MADVISE;
    uint8_t detail = is_advice ? advice_of(record->detail) : record->detail & PROTECTION_MASK;
    *event = (struct dump_event){
        .since_start_ns = since_start_ns(file, record->ticks),
        .tid = tid_of(file->dump, record->stack_pointer),
        .by = document_caller(record->by),
        .operation = document_call_operation(record->operation),
        .detail = document_call_detail(record->operation, detail),
        .start = record->start,
        .bytes = record->bytes,
        .error_number = (uint64_t)record->error,
        .site = record->site,
    };
}

bool events_file_next(struct events_file *file, struct dump_event *event, struct error *error)
{
    struct gpw_events_record record;
    /* More than once where what was read was dropped meanwhile. */
    while (file->next < file->header.written && file->next >= file->buffered_to) {
        if (!fill(file, error))
            return fail(file);
    }
    if (file->next >= file->header.written)
        return false;
    memcpy(&record, file->buffer + (file->next - file->buffered_from) * file->header.record_bytes, sizeof record);
    if (!check_record(file->next, &record, error))
        return fail(file);
    file->next++;
    decode(file, &record, event);
    return true;
}
