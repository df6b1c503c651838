/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of events: what the ring had is in it, once and in order; its bounds; and that no file of anybody else's is
 * touched.
 */
#include "preload/event_stream.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gopagewatch/advice.h"
#include "memory/clock.h"
#include "memory/raw.h"
#include "preload/log.h"
#include "preload/shadow.h"
#include "tests/unit/support/files.h"

enum { RECORDS_MAX = 1 << 16, SMALL_CAPACITY = 10, SAID_BYTES = 4096 };

static struct temporary_directory directory;
static struct region region;
static struct events events;
static struct event_stream stream;
static _Atomic uint32_t word;
static char said[SAID_BYTES];

static struct gpw_events_header header;
static struct gpw_events_record records[RECORDS_MAX]; /* in the order of their numbers */

static void open_ring(void)
{
    temporary_directory_make(&directory);
    log_set_level(LOG_ERROR);
    cr_assert(region_open(&region, 64 << 20));
    cr_assert(events_open(&events, &region));
}

static void remove_directory(void)
{
    temporary_directory_remove(&directory);
}

TestSuite(event_stream, .init = open_ring, .fini = remove_directory, .timeout = 60);

static void begin(struct event_stream *begun, const char *name, uint64_t file_bytes)
{
    struct captured_stderr captured;
    static struct options options;
    static struct output output;
    path_in(&directory, name, options.events);
    options.events_file_bytes = file_bytes;
    event_stream_open(begun, &options, &output);
    capture_stderr_begin(&captured);
    event_stream_begin(begun, &events, &region,
                       (struct event_stream_start){clock_ticks(), raw_clock_ns(CLOCK_MONOTONIC)}, &word);
    capture_stderr_end(&captured, said, sizeof said);
}

static uint64_t bytes_for(uint64_t capacity)
{
    return sizeof(struct gpw_events_header) + capacity * sizeof(struct gpw_events_record) + 7;
}

static void write_numbers(uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        struct event event = {.ticks = 1000 + i, .start = i, .bytes = 2 * i, .stack_pointer = 3 * i, .by = ORIGIN_GO};
        event.operation = EVENT_MADVISE;
        event.detail = ADVICE_FREE;
        event.site = (uint16_t)i;
        event.error = ENOMEM;
        event_write(&events, &event);
    }
}

/* How many records are kept. */
static uint64_t read_file(const char *name)
{
    char path[FILE_PATH_BYTES];
    int fd = open(path_in(&directory, name, path), O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", path);
    cr_assert_eq(read(fd, &header, sizeof header), (ssize_t)sizeof header);
    cr_assert_leq(header.dropped, header.written);
    cr_assert_leq(header.written - header.dropped, header.capacity);
    for (uint64_t i = header.dropped; i < header.written; i++) {
        off_t offset = (off_t)(header.header_bytes + i % header.capacity * header.record_bytes);
        cr_assert_eq(pread(fd, &records[i - header.dropped], sizeof records[0], offset), (ssize_t)sizeof records[0]);
    }
    close(fd);
    return header.written - header.dropped;
}

static void expect_numbers(uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const struct gpw_events_record *record = &records[i];
        uint64_t number = first + i;
        cr_assert(record->ticks == 1000 + number && record->start == number && record->bytes == 2 * number &&
                      record->stack_pointer == 3 * number && record->site == (uint16_t)number &&
                      record->operation == GPW_EVENTS_MADVISE && record->by == GPW_EVENTS_BY_GO &&
                      record->detail == MADV_FREE && record->error == ENOMEM,
                  "record %lu of number %lu", i, number);
    }
}

Test(event_stream, has_what_the_ring_had_in_order_and_once)
{
    struct stat status;
    begin(&stream, "f", bytes_for(RECORDS_MAX));
    cr_expect_str_eq(said, "");
    cr_expect_eq(read_file("f"), 0u);
    for (uint64_t number = 0; number < 40000; number += 3333) {
        write_numbers(number, 3333);
        event_stream_take(&stream, &events);
        cr_expect_eq(read_file("f"), number + 3333);
    }
    event_stream_take(&stream, &events);
    cr_assert_eq(read_file("f"), 43329u);
    expect_numbers(0, 43329);
    cr_expect_str_eq(header.version, GPW_EVENTS_FILE_VERSION);
    cr_expect_eq(header.pid, (uint64_t)getpid());
    cr_expect_eq(header.lost, 0u);
    cr_expect_eq(header.capacity, (uint64_t)RECORDS_MAX);
    cr_expect_gt(header.last_ticks, header.start_ticks);
    cr_expect_gt(header.last_monotonic_ns, header.start_monotonic_ns);
    stat(stream.path, &status);
    cr_expect_eq(status.st_mode & 07777, 0600u);
    cr_expect_geq(atomic_load(&stream.fd) - 1, 200);
    cr_expect(fcntl(atomic_load(&stream.fd) - 1, F_GETFD) & FD_CLOEXEC);
}

Test(event_stream, a_full_file_keeps_the_newest_and_counts_the_others)
{
    begin(&stream, "f", bytes_for(SMALL_CAPACITY));
    uint64_t written = 0;
    for (uint64_t count = 0; count < 40; count++) {
        write_numbers(written, count);
        written += count;
        event_stream_take(&stream, &events);
        uint64_t kept = written < SMALL_CAPACITY ? written : SMALL_CAPACITY;
        cr_assert_eq(read_file("f"), kept);
        cr_expect_eq(header.written, written);
        cr_expect_eq(header.dropped, written - kept);
        expect_numbers(written - kept, kept);
    }
    struct stat status;
    stat(stream.path, &status);
    cr_expect_leq((uint64_t)status.st_size, bytes_for(SMALL_CAPACITY));
}

Test(event_stream, what_the_ring_lost_is_counted)
{
    begin(&stream, "f", bytes_for(RECORDS_MAX));
    write_numbers(0, EVENTS_CAPACITY + 100);
    event_stream_take(&stream, &events);
    cr_assert_eq(read_file("f"), (uint64_t)EVENTS_CAPACITY);
    cr_expect_eq(header.lost, 100u);
    expect_numbers(100, EVENTS_CAPACITY);
}

/* An event whose writer was stopped: what comes behind it waits for a moment, and then no longer. */
Test(event_stream, an_event_on_its_way_is_waited_for)
{
    begin(&stream, "f", bytes_for(RECORDS_MAX));
    write_numbers(0, 20);
    _Atomic uint64_t *sequence = &events.slots[7].sequence;
    uint64_t complete = atomic_load(sequence);
    atomic_store(sequence, complete | 1);
    event_stream_take(&stream, &events);
    cr_expect_eq(read_file("f"), 7u);
    atomic_store(sequence, complete);
    event_stream_take(&stream, &events);
    cr_assert_eq(read_file("f"), 20u);
    expect_numbers(0, 20);
    cr_expect_eq(header.lost, 0u);

    write_numbers(20, 20);
    atomic_store(&events.slots[30].sequence, 1);
    event_stream_take_last(&stream, &events);
    cr_assert_eq(read_file("f"), 39u);
    expect_numbers(0, 30);
    cr_expect_eq(records[30].start, 31u);
    cr_expect_eq(header.lost, 1u);
}

/* They are waited for all at once: one by one it would be minutes. */
Test(event_stream, many_lost_events_cost_no_more_than_one)
{
    enum { HOLES = 8000 };
    begin(&stream, "f", bytes_for(RECORDS_MAX));
    write_numbers(0, HOLES + 10);
    for (unsigned i = 5; i < 5 + HOLES; i++)
        atomic_store(&events.slots[i].sequence, 1);
    event_stream_take_last(&stream, &events);
    cr_assert_eq(read_file("f"), 10u);
    cr_expect_eq(header.lost, (uint64_t)HOLES);
    cr_expect_eq(records[5].start, HOLES + 5u);
}

static void *sleep_on_word(void *argument)
{
    _Atomic int *is_asleep = argument;
    atomic_store(is_asleep, 1);
    raw_syscall6(SYS_futex, (long)&word, FUTEX_WAIT, 0, 0, 0, 0);
    atomic_store(is_asleep, 0);
    return NULL;
}

Test(event_stream, a_quarter_of_the_ring_wakes_the_taker)
{
    pthread_t thread;
    _Atomic int is_asleep = 0;
    write_numbers(0, EVENTS_WAKE); /* nobody there */
    begin(&stream, "f", bytes_for(RECORDS_MAX));
    cr_assert_eq(pthread_create(&thread, NULL, sleep_on_word, &is_asleep), 0);
    while (atomic_load(&is_asleep) == 0)
        sched_yield();
    /* Until the sleeper is in the kernel, a wake may pass it by. */
    for (uint64_t number = EVENTS_WAKE; atomic_load(&is_asleep) == 1; number += EVENTS_WAKE)
        write_numbers(number, EVENTS_WAKE);
    pthread_join(thread, NULL);
}

Test(event_stream, an_older_file_of_its_own_is_begun_anew)
{
    begin(&stream, "f", bytes_for(RECORDS_MAX));
    write_numbers(0, 100);
    event_stream_take(&stream, &events);
    event_stream_forget(&stream);
    struct event_stream again = {.next = 100};
    begin(&again, "f", bytes_for(SMALL_CAPACITY));
    cr_expect_str_eq(said, "");
    cr_expect_eq(read_file("f"), 0u);
    struct stat status;
    stat(again.path, &status);
    cr_expect_eq(status.st_size, (off_t)sizeof header);
}

static void expect_refused(const char *name, const char *reason)
{
    struct event_stream refused = {0};
    begin(&refused, name, bytes_for(SMALL_CAPACITY));
    cr_expect_null(refused.records, "%s", name);
    cr_expect_not_null(strstr(said, reason), "%s: %s", name, said);
    cr_expect_eq(strchr(said, '\n'), said + strlen(said) - 1, "one line: %s", said);
    cr_expect_not_null(strstr(refused.why, reason), "%s: %s", name, refused.why);
    write_numbers(0, 10);
    event_stream_take(&refused, &events);
    event_stream_take_last(&refused, &events);
}

Test(event_stream, other_files_are_left_alone)
{
    char path[FILE_PATH_BYTES], target[FILE_PATH_BYTES], text[100];
    write_text_file(path_in(&directory, "notes", path), "gopagewatch.event is not it");
    expect_refused("notes", "is there and is no events file");
    cr_assert(read_text_file(path, text, sizeof text));
    cr_expect_str_eq(text, "gopagewatch.event is not it");

    write_text_file(path_in(&directory, "short", path), "gopage");
    expect_refused("short", "is there and is no events file");
    write_text_file(path_in(&directory, "target", target), "");
    cr_assert_eq(symlink(target, path_in(&directory, "link", path)), 0);
    expect_refused("link", "is a symbolic link");
    cr_assert_eq(mkfifo(path_in(&directory, "pipe", path), 0600), 0);
    expect_refused("pipe", "is no regular file");
    expect_refused("nowhere/f", "no such file or directory");
}

Test(event_stream, a_file_that_another_process_writes_is_left_alone)
{
    char path[FILE_PATH_BYTES];
    begin(&stream, "f", bytes_for(RECORDS_MAX));
    write_numbers(0, 100);
    event_stream_take(&stream, &events);
    expect_refused("f", "is being written by another process");
    cr_expect_not_null(strstr(said, "%p"), "%s", said);
    cr_expect_eq(read_file("f"), 100u);
    /* Until it ends: then the lock goes with it. */
    path_in(&directory, "f", path);
    event_stream_forget(&stream);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_expect_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    close(fd);
}

Test(event_stream, a_file_of_another_user_is_left_alone)
{
    char path[FILE_PATH_BYTES];
    if (geteuid() != 0)
        cr_skip_test("only root can make one");
    write_text_file(path_in(&directory, "f", path), "");
    cr_assert_eq(chown(path, 65534, 65534), 0);
    expect_refused("f", "belongs to another user");
}

/* A program that closes all it does not know, and opens a file of its own at that number. */
Test(event_stream, a_descriptor_that_is_another_file_by_now_is_not_written)
{
    char path[FILE_PATH_BYTES], text[100];
    begin(&stream, "f", bytes_for(RECORDS_MAX));
    write_numbers(0, 10);
    event_stream_take(&stream, &events);
    write_text_file(path_in(&directory, "mine", path), "mine");
    int mine = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_geq(dup2(mine, atomic_load(&stream.fd) - 1), 0);
    write_numbers(10, 10);
    event_stream_take(&stream, &events);
    cr_assert(read_text_file(path, text, sizeof text));
    cr_expect_str_eq(text, "mine");
    cr_assert_eq(read_file("f"), 20u);
    expect_numbers(0, 20);

    /* And the file is gone as well. */
    struct captured_stderr captured;
    close(atomic_load(&stream.fd) - 1);
    unlink(stream.path);
    write_numbers(20, 10);
    capture_stderr_begin(&captured);
    event_stream_take(&stream, &events);
    event_stream_take(&stream, &events);
    capture_stderr_end(&captured, said, sizeof said);
    cr_expect_not_null(strstr(said, "was closed by the program"), "%s", said);
    cr_expect_eq(strchr(said, '\n'), said + strlen(said) - 1, "once: %s", said);
    cr_expect_eq(stream.header.lost, 10u);
}

/* As on a full disk: what does not fit in is counted, the rest stays readable, and later it goes on. */
Test(event_stream, a_file_that_cannot_grow_loses_and_counts)
{
    enum { FITTING = 50 };
    struct captured_stderr captured;
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN); /* the dumper has it blocked */
    begin(&stream, "f", bytes_for(RECORDS_MAX));
    write_numbers(0, FITTING);
    event_stream_take(&stream, &events);
    getrlimit(RLIMIT_FSIZE, &limit);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = bytes_for(FITTING);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    write_numbers(FITTING, 100);
    capture_stderr_begin(&captured);
    event_stream_take(&stream, &events);
    event_stream_take(&stream, &events);
    capture_stderr_end(&captured, said, sizeof said);
    limit.rlim_cur = before;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect_not_null(strstr(said, "cannot be written: file too large (EFBIG)"), "%s", said);
    cr_assert_eq(read_file("f"), (uint64_t)FITTING);
    expect_numbers(0, FITTING);
    cr_expect_eq(stream.header.lost, 100u);
    write_numbers(FITTING + 100, 10);
    event_stream_take(&stream, &events);
    cr_assert_eq(read_file("f"), FITTING + 10u);
    cr_expect_eq(header.lost, 100u);
    expect_numbers(0, FITTING);
    cr_expect_eq(records[FITTING].start, FITTING + 100u);
}

Test(event_stream, nothing_is_made_when_nothing_is_asked_for)
{
    static struct options options;
    static struct output output;
    event_stream_open(&stream, &options, &output);
    cr_expect_not(event_stream_is_wanted(&stream));
    event_stream_begin(&stream, &events, &region, (struct event_stream_start){0, 0}, &word);
    write_numbers(0, 10);
    event_stream_take(&stream, &events);
    event_stream_take_last(&stream, &events);
    cr_expect_null(stream.records);
    cr_expect_null(atomic_load(&events.taker));
    cr_expect_eq(temporary_directory_count(&directory), 0u);
}
