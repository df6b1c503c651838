/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the file of calls. The input is the file; an input that is no events file gets a right front, so that
 * what is behind it is read too.
 *
 * Sources: harness/events_file.c shim/dump/document_sites.c
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/events_file.h"

static void check_calls(const char *path, uint64_t bytes)
{
    struct events_file file;
    struct dump_event event;
    struct error error;
    uint64_t calls = 0;
    if (!events_file_open(&file, path, &error))
        return;
    for (; events_file_next(&file, &event, &error); calls++)
        MUST(event.error_number <= 4095 && strlen(event.detail) < 20 && event.since_start_ns <= (uint64_t)1 << 62);
    MUST(calls <= bytes / GPW_EVENTS_RECORD_BYTES);
    MUST(calls == file.header.written - file.header.dropped || file.has_failed || file.overtaken > 0);
    events_file_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char path[64];
    int fd = memfd_create("events", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    check_calls(path, bytes);
    struct gpw_events_header front = {.version = GPW_EVENTS_FILE_VERSION,
                                      .header_bytes = GPW_EVENTS_HEADER_BYTES,
                                      .record_bytes = GPW_EVENTS_RECORD_BYTES};
    MUST(pwrite(fd, &front, offsetof(struct gpw_events_header, pid), 0) > 0);
    check_calls(path, bytes > 40 ? bytes : 40);
    close(fd);
    return 0;
}
