/* SPDX-License-Identifier: Apache-2.0
 *
 * Line by line: a line that begins with two hexadecimal numbers and a dash between them opens a mapping, the others are
 * "Field: N kB" of the mapping before them.
 */
#include "tests/e2e/support/kernel_truth.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/text.h"

enum { PATH_BYTES = 64, KB = 1024, FIELDS_BEFORE_NAME = 5 };

static const struct {
    const char *field;
    size_t offset;
} SUMMED[] = {
    {"Size:", offsetof(struct smaps_sums, size_bytes)},
    {"Rss:", offsetof(struct smaps_sums, rss_bytes)},
    {"Anonymous:", offsetof(struct smaps_sums, anonymous_bytes)},
    {"LazyFree:", offsetof(struct smaps_sums, lazyfree_bytes)},
    {"AnonHugePages:", offsetof(struct smaps_sums, huge_bytes)},
    {"Swap:", offsetof(struct smaps_sums, swap_bytes)},
};

static struct text read_proc(pid_t pid, const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return text_of_file(path);
}

static bool opens_mapping(const char *line)
{
    uint64_t start, end;
    return sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2;
}

/* "" for a mapping without one. */
static const char *mapping_name(const char *line)
{
    for (int i = 0; i < FIELDS_BEFORE_NAME; i++) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    return line;
}

static void add_field(struct smaps_sums *sums, const char *line)
{
    for (size_t i = 0; i < sizeof SUMMED / sizeof SUMMED[0]; i++) {
        size_t length = strlen(SUMMED[i].field);
        if (strncmp(line, SUMMED[i].field, length) == 0)
            *(uint64_t *)((char *)sums + SUMMED[i].offset) += strtoull(line + length, NULL, 10) * KB;
    }
}

struct smaps_sums smaps_sum(pid_t pid, const char *part)
{
    struct smaps_sums sums = {0};
    struct text text = read_proc(pid, "smaps");
    bool is_counted = false;
    char *rest = text.bytes;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        if (opens_mapping(line)) {
            is_counted = part == NULL || strstr(mapping_name(line), part) != NULL;
            sums.mappings += is_counted;
        } else if (is_counted) {
            add_field(&sums, line);
        }
    }
    if (part == NULL && sums.mappings == 0)
        fail("/proc/%d/smaps is empty: the process is about to end", (int)pid);
    text_free(&text);
    return sums;
}

static uint64_t status_field(pid_t pid, const char *field, int base, const char *unit)
{
    struct text text = read_proc(pid, "status");
    size_t length = strlen(field);
    char *rest = text.bytes;
    for (const char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        if (strncmp(line, field, length) != 0 || line[length] != ':')
            continue;
        char *end;
        uint64_t number = strtoull(line + length + 1, &end, base);
        if (end == line + length + 1 || strcmp(end, unit) != 0)
            fail("/proc/%d/status is not understood: %s", (int)pid, line);
        text_free(&text);
        return number;
    }
    fail("/proc/%d/status has no %s", (int)pid, field);
}

uint64_t status_bytes(pid_t pid, const char *field)
{
    return status_field(pid, field, 10, " kB") * KB;
}

uint64_t status_number(pid_t pid, const char *field)
{
    return status_field(pid, field, 10, "");
}

uint64_t status_signals(pid_t pid, const char *field)
{
    return status_field(pid, field, 16, "");
}
