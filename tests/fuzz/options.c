/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the environment, and the paths that come of it. The input is the environment block, entries between
 * zeros; a "~" at the front of an entry stands for "GOPAGEWATCH_", so that the variables are hit soon.
 *
 * Sources: shim/preload/{options,output,log}.c shim/memory/text.c
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "preload/log.h"
#include "preload/options.h"
#include "preload/output.h"

enum { ENTRIES_MAX = 64, STDERR = 2 };

static char *entries[ENTRIES_MAX + 1];

static void take_entries(const uint8_t *data, size_t bytes)
{
    unsigned count = 0;
    while (bytes > 0 && count < ENTRIES_MAX) {
        size_t length = strnlen((const char *)data, bytes);
        bool is_ours = length > 0 && data[0] == '~';
        char *entry = malloc(length + 16);
        sprintf(entry, "%s%.*s", is_ours ? "GOPAGEWATCH_" : "", (int)length - is_ours, (const char *)data + is_ours);
        entries[count++] = entry;
        size_t step = length < bytes ? length + 1 : length;
        data += step;
        bytes -= step;
    }
    entries[count] = NULL;
}

static void check_options(const struct options *options)
{
    size_t bytes = strnlen(options->out, sizeof options->out);
    MUST(bytes > 0 && bytes < sizeof options->out && options->out[bytes - 1] != '/');
    MUST(options->signal >= 0 && options->signal <= 64 && options->signal != 9 && options->signal != 11);
    MUST(strnlen(options->events, sizeof options->events) < sizeof options->events);
    MUST(options->events_file_bytes >= 4096 && options->events_file_bytes <= (uint64_t)1 << 40);
    MUST(options->log >= LOG_QUIET && options->log <= LOG_DEBUG);
}

/* A word adds no directory. */
static void check_paths(const struct options *options)
{
    static struct output output;
    static char path[OUTPUT_PATH_BYTES];
    const char *word = entries[0] == NULL ? "" : entries[0];
    const struct output_words words = {1, UINT64_MAX, 0, word, word, word};
    unsigned in_pattern = 0, in_path = 0;
    memset(&output, 0, sizeof output);
    output_open(&output, options);
    MUST(strnlen(output.pattern, sizeof output.pattern) < sizeof output.pattern);
    if (!output_expand(output.pattern, &words, path))
        return;
    MUST(strnlen(path, sizeof path) < sizeof path);
    for (const char *at = output.pattern; *at != '\0'; at++)
        in_pattern += *at == '/';
    for (const char *at = path; *at != '\0'; at++)
        in_path += *at == '/';
    MUST(in_path == in_pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static int nowhere = -1, saved = -1;
    static struct options options;
    if (nowhere < 0) {
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        saved = fcntl(STDERR, F_DUPFD_CLOEXEC, 10);
    }
    take_entries(data, bytes);
    memset(&options, 0x55, sizeof options);
    dup2(nowhere, STDERR); /* what is said about wrong values */
    options_read(&options, entries);
    dup2(saved, STDERR);
    check_options(&options);
    check_paths(&options);
    for (char **entry = entries; *entry != NULL; entry++)
        free(*entry);
    return 0;
}
