/* SPDX-License-Identifier: Apache-2.0
 *
 * The file that all calls are streamed to: it has what the dump counts, the newest of it when it is small, and what
 * there was when its program was killed. It is read here by its documentation (docs/events-format.md).
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "gopagewatch/events_file.h"
#include "tests/e2e/checks.h"
#include "tests/e2e/support/deadline.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/export.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/scavtrace.h"

enum {
    PATH_BYTES = 200,
    VARIABLE_BYTES = 256,
    SMALL_CAPACITY = (4096 - GPW_EVENTS_HEADER_BYTES) / GPW_EVENTS_RECORD_BYTES
};

struct read_file {
    struct gpw_events_header header;
    struct gpw_events_record *records; /* oldest first */
    uint64_t count;
};

static struct gpw_events_header read_header(const char *path)
{
    struct gpw_events_header header = {.written = 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
            header.written = 0;
        close(fd);
    }
    return header;
}

static struct read_file read_file(const char *path)
{
    struct read_file file = {.header = read_header(path)};
    const struct gpw_events_header *header = &file.header;
    cr_assert_str_eq(header->version, "gopagewatch.events/1", "%s", path);
    cr_assert_eq(header->header_bytes, 256u);
    cr_assert_eq(header->record_bytes, 48u);
    cr_assert_leq(header->dropped, header->written);
    file.count = header->written - header->dropped;
    cr_assert_leq(file.count, header->capacity);
    file.records = calloc(file.count + 1, sizeof *file.records);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd >= 0 && file.records != NULL, "%s", path);
    for (uint64_t i = 0; i < file.count; i++) {
        off_t offset = (off_t)(256 + (header->dropped + i) % header->capacity * 48);
        cr_assert_eq(pread(fd, &file.records[i], 48, offset), 48, "record %" PRIu64 " of %" PRIu64, i, file.count);
    }
    close(fd);
    return file;
}

static void expect_sound(const struct read_file *file)
{
    static const uint8_t ZEROS[6];
    for (uint64_t i = 0; i < file->count; i++) {
        const struct gpw_events_record *record = &file->records[i];
        cr_assert(record->operation <= GPW_EVENTS_MADVISE && (record->by == 1 || record->by == 2) &&
                      record->ticks >= file->header.start_ticks && record->ticks <= file->header.last_ticks &&
                      record->stack_pointer > 4096 && record->error >= 0 && record->error < 4096 && record->zero == 0 &&
                      memcmp(record->zeros, ZEROS, sizeof ZEROS) == 0,
                  "record %" PRIu64 " of %" PRIu64, i, file->count);
    }
}

struct released {
    uint64_t calls, bytes;
};

static struct released released_by_go(const struct read_file *file)
{
    struct released released = {0, 0};
    for (uint64_t i = 0; i < file->count; i++) {
        const struct gpw_events_record *record = &file->records[i];
        bool counts = record->operation == GPW_EVENTS_MADVISE && record->by == GPW_EVENTS_BY_GO &&
                      record->detail == MADV_DONTNEED && record->error == 0;
        released.calls += counts;
        released.bytes += counts ? record->bytes : 0;
    }
    return released;
}

/* freeloop under the shim, resting in its last phase. */
static struct watched *watch_freeloop(const struct toolchain *toolchain, const char *rounds, const char *path,
                                      const char *size)
{
    char events[VARIABLE_BYTES], bytes[VARIABLE_BYTES];
    snprintf(events, sizeof events, "GOPAGEWATCH_EVENTS=%s", path);
    snprintf(bytes, sizeof bytes, "GOPAGEWATCH_EVENTS_SIZE=%s", size);
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "freeloop"), "-n", rounds, "-wait", NULL},
        .environment = (const char *[]){"GOGC=off", events, bytes, NULL},
    };
    struct watched *watched = watched_start(&setup);
    program_await_phase(watched->program, "done");
    return watched;
}

TOOLCHAIN_TEST(events_file, has_the_calls_that_the_dump_counts, .timeout = 300)
{
    char path[PATH_BYTES];
    struct temp_dir dir = temp_dir_make();
    snprintf(path, sizeof path, "%s/f", dir.path);
    struct watched *watched = watch_freeloop(toolchain, "40", path, "64MiB");
    json_t *dump = watched_dump(watched);
    program_go_on(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0);
    cr_expect_str_eq(program_errors(watched->program), "");

    struct read_file file = read_file(path);
    struct released released = released_by_go(&file);
    struct dump_advice counted = dump_advice(dump, "go", "DONTNEED");
    expect_sound(&file);
    cr_expect_gt(released.calls, 1000u);
    cr_expect_eq(released.calls, counted.calls, "%" PRIu64 " in the file, %" PRIu64 " counted", released.calls,
                 counted.calls);
    cr_expect_eq(released.bytes, counted.bytes, "%" PRIu64 " in the file, %" PRIu64 " counted", released.bytes,
                 counted.bytes);
    cr_expect_eq(file.header.dropped, 0u);
    cr_expect_eq(file.header.lost, 0u);
    cr_expect_eq(file.header.start_unix_ns, dump_number(dump, "events_file/start_unix_ns"));
    cr_expect_eq(file.header.pid, dump_number(dump, "process/pid"));
    cr_expect_str_eq(dump_text(dump, "events_file/path"), path);
    cr_expect_eq(dump_number(dump, "events_file/written"), dump_number(dump, "events/recorded"));
    free(file.records);
    json_decref(dump);
    watched_end(watched);
}

/* At rest the dump's ring and the file end in the same call; then the program is killed. */
ENDS_TEST(events_file, a_small_one_keeps_the_newest, .timeout = 300)
{
    char path[PATH_BYTES];
    struct temp_dir dir = temp_dir_make();
    snprintf(path, sizeof path, "%s/f", dir.path);
    struct watched *watched = watch_freeloop(toolchain, "40", path, "4KiB");
    json_t *dump = watched_dump(watched);
    program_signal(watched->program, SIGKILL);
    cr_expect_eq(program_await_end(watched->program), -SIGKILL);

    struct read_file file = read_file(path);
    const json_t *rows = dump_at(dump, "events/rows");
    size_t rows_count = json_array_size(rows);
    expect_sound(&file);
    cr_expect_eq(file.header.capacity, (uint64_t)SMALL_CAPACITY);
    cr_expect_eq(file.count, (uint64_t)SMALL_CAPACITY);
    cr_expect_eq(file.header.written + file.header.lost, dump_number(dump, "events/recorded"));
    cr_expect_eq(file.header.lost, 0u);
    cr_expect_eq(dump_number(dump, "events_file/dropped"), file.header.dropped);
    cr_assert_geq(rows_count, (size_t)SMALL_CAPACITY);
    for (uint64_t i = 0; i < file.count; i++) {
        const json_t *row = json_array_get(rows, rows_count - file.count + i);
        cr_assert_eq(file.records[i].start, strtoull(json_string_value(json_array_get(row, 4)), NULL, 16));
        cr_assert_eq(file.records[i].bytes, (uint64_t)json_integer_value(json_array_get(row, 5)));
        cr_assert_eq(file.records[i].site, (uint16_t)json_integer_value(json_array_get(row, 8)));
    }
    free(file.records);
    json_decref(dump);
    watched_end(watched);
}

static void await_written(struct program *program, const char *path, uint64_t written)
{
    const struct timespec look_again = {0, 1000000};
    struct deadline deadline = deadline_usual();
    while (read_header(path).written < written) {
        cr_assert_not(program_has_ended(program), "%s", program_errors(program));
        cr_assert_gt(deadline_left_ms(deadline), 0, "%" PRIu64 " are there", read_header(path).written);
        nanosleep(&look_again, NULL);
    }
}

/* Records that are older than half a lap. A thread that pauses between reading the clock and writing leaves one, alone;
 * a lap that is torn leaves the last lap's in a row. */
static void expect_one_lap(const struct read_file *file)
{
    uint64_t newest_ticks = 0, lap_ticks = file->records[file->count - 1].ticks - file->records[0].ticks;
    unsigned in_a_row = 0;
    for (uint64_t i = 0; i < file->count; i++) {
        uint64_t ticks = file->records[i].ticks;
        newest_ticks = ticks > newest_ticks ? ticks : newest_ticks;
        in_a_row = newest_ticks - ticks > lap_ticks / 2 ? in_a_row + 1 : 0;
        cr_assert_leq(in_a_row, 1u, "records %" PRIu64 " and before", i);
    }
}

/* In the middle of writing, many laps round: the records are those of one lap. */
ENDS_TEST(events_file, is_whole_after_a_kill, .timeout = 300)
{
    char path[PATH_BYTES], events[VARIABLE_BYTES];
    struct temp_dir dir = temp_dir_make();
    snprintf(path, sizeof path, "%s/f", dir.path);
    snprintf(events, sizeof events, "GOPAGEWATCH_EVENTS=%s", path);
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "storm"), "-for", "60s", "-rate", "0", NULL},
        .environment = (const char *[]){events, "GOPAGEWATCH_EVENTS_SIZE=512KiB", "GOPAGEWATCH_STACKS=off", NULL},
    };
    struct watched *watched = watched_start(&setup);
    await_written(watched->program, path, 100000);
    program_signal(watched->program, SIGKILL);
    cr_expect_eq(program_await_end(watched->program), -SIGKILL);
    struct read_file file = read_file(path);
    expect_sound(&file);
    cr_expect_gt(file.count, file.header.capacity / 2);
    cr_assert_gt(file.records[file.count - 1].ticks, file.records[0].ticks);
    expect_one_lap(&file);
    free(file.records);
    watched_end(watched);
}

/* No dump is asked for, and what is new is too little to wake anybody. */
Test(events_file, is_written_by_and_by, .timeout = 300)
{
    char path[PATH_BYTES];
    struct toolchain toolchain = toolchain_newest();
    struct temp_dir dir = temp_dir_make();
    snprintf(path, sizeof path, "%s/f", dir.path);
    struct watched *watched = watch_freeloop(&toolchain, "5", path, "64MiB");
    await_written(watched->program, path, 500);
    watched_end(watched);
}

/* It ends at once behind its last calls, and what it gave back is in the runtime's own trace. */
TOOLCHAIN_TEST(events_file, has_the_last_calls_of_a_program_that_ends, .timeout = 300)
{
    char path[PATH_BYTES], events[VARIABLE_BYTES];
    struct temp_dir dir = temp_dir_make();
    snprintf(path, sizeof path, "%s/f", dir.path);
    snprintf(events, sizeof events, "GOPAGEWATCH_EVENTS=%s", path);
    struct program_setup setup = {
        .arguments = (const char *[]){app_path(toolchain, "freeloop"), "-n", "3", NULL},
        .environment = (const char *[]){"GODEBUG=scavtrace=1", "GOGC=off", events, NULL},
    };
    struct watched *watched = watched_start(&setup);
    cr_expect_eq(program_await_end(watched->program), 0);
    struct read_file file = read_file(path);
    expect_sound(&file);
    cr_expect_eq(released_by_go(&file).bytes, scavtrace_sum(program_errors(watched->program)).released_bytes);
    cr_expect_eq(file.header.lost, 0u);
    free(file.records);
    watched_end(watched);
}

ENDS_TEST(events_file, cannot_be_written_and_the_program_goes_on, .timeout = 300)
{
    struct watched *watched = watch_freeloop(toolchain, "40", "/nowhere/f", "64MiB");
    json_t *dump = watched_dump(watched);
    program_go_on(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0);
    cr_expect_str_eq(program_errors(watched->program),
                     "gopagewatch: no events file: /nowhere/f cannot be created: no such file or directory (ENOENT); "
                     "set GOPAGEWATCH_EVENTS to a path that can be written\n");
    cr_expect_str_eq(dump_text(dump, "books/shim/missing/0/what"), "events file");
    cr_expect_str_eq(dump_text(dump, "books/shim/missing/0/why"),
                     "cannot be created: no such file or directory (ENOENT)");
    cr_expect(json_is_null(dump_at(dump, "events_file")));
    json_decref(dump);
    watched_end(watched);
}

/* Whether one of its descriptors is a file in that directory. */
static bool holds_file_in(pid_t pid, const char *directory)
{
    char path[PATH_MAX], target[PATH_MAX];
    bool is_held = false;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *listing = opendir(path);
    must(listing != NULL, "%s", path);
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        snprintf(path, sizeof path, "/proc/%d/fd/%.16s", (int)pid, entry->d_name);
        ssize_t bytes = readlink(path, target, sizeof target);
        is_held |= bytes > (ssize_t)strlen(directory) && strncmp(target, directory, strlen(directory)) == 0;
    }
    closedir(listing);
    return is_held;
}

/* The child may only just have begun. */
static void await_letting_go(pid_t child, const char *directory)
{
    const struct timespec look_again = {0, 1000000};
    struct deadline deadline = deadline_in_ms(10000);
    while (holds_file_in(child, directory)) {
        cr_assert_gt(deadline_left_ms(deadline), 0, "the child keeps the file open");
        nanosleep(&look_again, NULL);
    }
}

/* Each process of a family writes its own; a child of fork(2) that does not exec writes none. */
TOOLCHAIN_TEST(events_file, is_of_one_process, .timeout = 300)
{
    char events[VARIABLE_BYTES];
    struct temp_dir dir = temp_dir_make();
    snprintf(events, sizeof events, "GOPAGEWATCH_EVENTS=%s/%%p", dir.path);
    struct watched *watched = watch_app(toolchain, "forker", (const char *[]){events, NULL});
    pid_t pid = program_pid(watched->program);
    const char *child = strstr(program_await_phase(watched->program, "forked"), "child=");
    cr_assert_not_null(child);
    cr_expect(holds_file_in(pid, dir.path));
    await_letting_go((pid_t)strtol(child + sizeof "child=" - 1, NULL, 10), dir.path);
    program_go_on(watched->program);
    cr_expect_eq(program_await_end(watched->program), 0, "%s", program_errors(watched->program));
    unsigned files = 0;
    bool has_parent = false;
    DIR *listing = opendir(dir.path);
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        char path[2 * PATH_MAX];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", dir.path, entry->d_name);
        struct read_file file = read_file(path);
        expect_sound(&file);
        cr_expect_eq(file.header.pid, strtoull(entry->d_name, NULL, 10));
        cr_expect_gt(file.count, 10u);
        cr_expect_eq(file.header.lost, 0u);
        has_parent |= file.header.pid == (uint64_t)pid;
        files++;
        free(file.records);
    }
    closedir(listing);
    cr_expect(has_parent);
    cr_expect_geq(files, 2u, "it has a Go child");
    watched_end(watched);
}

/* ---- its time line ---- */

static json_t *load_trace(const char *directory, const char *name)
{
    char path[PATH_MAX];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    json_t *trace = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(trace, "%s", error.text);
    return trace;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* The instants of calls, in their order. For json_decref. */
static json_t *calls_of(const json_t *trace)
{
    size_t index;
    json_t *event, *calls = json_array();
    json_array_foreach(json_object_get(trace, "traceEvents"), index, event)
    {
        if (strcmp(text_of(event, "ph"), "i") == 0 && strcmp(text_of(event, "cat"), "dump") != 0)
            json_array_append(calls, event);
    }
    return calls;
}

/* What the counters whose names begin so came to. */
static uint64_t counted(const json_t *trace, const char *prefix)
{
    size_t index;
    json_t *event;
    json_t *last = json_object();
    uint64_t sum = 0;
    json_array_foreach(json_object_get(trace, "traceEvents"), index, event)
    {
        if (strcmp(text_of(event, "ph"), "C") == 0 && strcmp(text_of(event, "cat"), "calls") == 0 &&
            strncmp(text_of(event, "name"), prefix, strlen(prefix)) == 0)
            json_object_set(last, text_of(event, "name"), json_object_get(json_object_get(event, "args"), "bytes"));
    }
    const char *name;
    json_t *bytes;
    json_object_foreach(last, name, bytes)
    {
        cr_expect(strcmp(name, prefix) > 0, "%s has a reason", name);
        sum += (uint64_t)json_integer_value(bytes);
    }
    json_decref(last);
    return sum;
}

/* Of two clock readings each; all else is the same. */
static void expect_same_calls(const json_t *left, const json_t *right)
{
    size_t index;
    json_t *call;
    cr_assert_eq(json_array_size(left), json_array_size(right));
    json_array_foreach(left, index, call)
    {
        const json_t *other = json_array_get(right, index);
        double us = json_number_value(json_object_get(call, "ts")) - json_number_value(json_object_get(other, "ts"));
        cr_assert(us > -20 && us < 20, "call %zu: %g us", index, us);
        cr_assert_str_eq(text_of(call, "name"), text_of(other, "name"));
        cr_assert(json_equal(json_object_get(call, "tid"), json_object_get(other, "tid")), "call %zu", index);
        cr_assert(json_equal(json_object_get(call, "args"), json_object_get(other, "args")), "call %zu", index);
    }
}

static void run_line(const char *directory, const char *line)
{
    struct program *program = gopagewatch_shell(directory, line);
    cr_assert_eq(program_await_end(program), 0, "%s: %s", line, program_errors(program));
    program_free(program);
}

TOOLCHAIN_TEST(events_file, its_time_line_is_that_of_the_dump, .timeout = 300)
{
    char line[3 * PATH_MAX];
    struct temp_dir dir = temp_dir_make();
    snprintf(line, sizeof line,
             "GOGC=off $G run -o %%n.json --at-exit --events f --events-size 1MiB -- %s -n 5 && "
             "$G export perfetto 1.json -o ring && $G export perfetto 1.json --events f -o file",
             app_path(toolchain, "freeloop"));
    run_line(dir.path, line);
    snprintf(line, sizeof line, "%s/1.json", dir.path);
    json_t *dump = dump_load(line), *ring = load_trace(dir.path, "ring"), *file = load_trace(dir.path, "file");
    json_t *ring_calls = calls_of(ring), *file_calls = calls_of(file);
    cr_expect_gt(json_array_size(ring_calls), 100u);
    expect_same_calls(ring_calls, file_calls);
    cr_expect_eq(counted(file, "go madvise DONTNEED"), dump_advice(dump, "go", "DONTNEED").bytes);
    cr_expect_eq(counted(ring, "go madvise DONTNEED"), 0u);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(file, "otherData"), "events_dropped")), 0);
    json_decref(ring_calls);
    json_decref(file_calls);
    json_decref(dump);
    json_decref(ring);
    json_decref(file);
}

COMMAND_TEST(events_file, what_does_not_belong_together_is_refused, .timeout = 300)
{
    static const struct {
        const char *arguments;
        int code;
        const char *reason;
    } CASES[] = {
        {"perfetto 1.json --events 1.json", 4, "1.json: is no events file"},
        {"perfetto 1.json --events none", 4, "none: No such file or directory"},
        {"perfetto 1.json --events .", 4, "is no regular file"},
        {"perfetto 1.json --events other", 4, "other: is of pid "},
        {"perfetto without.json --events f", 4, "f: the dump is of a process that wrote no such file"},
        {"perfetto 1.json --events cut", 4, "cut: ends before the record"},
        {"perfetto 1.json --events noise", 4, "noise: the record 0 has "},
        {"pprof 1.json --events f", 2, "pprof has no calls"},
    };
    char line[4 * PATH_MAX];
    struct toolchain toolchain = toolchain_newest();
    struct temp_dir dir = temp_dir_make();
    const char *app = app_path(&toolchain, "freeloop");
    snprintf(line, sizeof line,
             "$G run -o %%n.json --at-exit --events f -- %s -n 1 && $G run -o %%n.json --events other -- %s -n 1 && "
             "sed '/\"events_file\"/s/\"events_file\":{[^}]*}/\"events_file\":null/' 1.json >without.json && "
             "head -c 400 f >cut && { head -c 256 f; yes | head -c 9999999; } >noise",
             app, app);
    run_line(dir.path, line);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        snprintf(line, sizeof line, "%s export %s -o out; status=$?; cat out 2>/dev/null; exit $status",
                 built_path(command->name), CASES[i].arguments);
        expect_refusal(gopagewatch_shell(dir.path, line), CASES[i].code, CASES[i].reason);
    }
}
