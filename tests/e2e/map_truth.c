/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects are sorted by address, so that a page of several objects is met once.
 */
#include "tests/e2e/map_truth.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/text.h"

enum { PATH_BYTES = 256, GO_PAGE_BYTES = 8192, WINDOW = 4096 };

/* A word of the line, without its key. */
static void copy_word(char word[MAP_TRUTH_NAME_BYTES], const char *line, const char *key)
{
    const char *found = strstr(line, key);
    if (found == NULL)
        fail("no %s in: %s", key, line);
    found += strlen(key);
    size_t length = strcspn(found, " ");
    if (length >= MAP_TRUTH_NAME_BYTES)
        fail("%s is too long in: %s", key, line);
    memcpy(word, found, length);
    word[length] = '\0';
}

void map_truth_next_phase(struct program *program, char phase[MAP_TRUTH_NAME_BYTES], unsigned *maps)
{
    const char *line = program_await_line(program, "phase ");
    copy_word(phase, line, "phase ");
    *maps = (unsigned)text_number(line, "maps");
}

static int compare(const void *a, const void *b)
{
    const struct map_object *x = a, *y = b;
    if (x->base != y->base)
        return x->base < y->base ? -1 : 1;
    return x->part < y->part ? -1 : x->part > y->part;
}

static void keep_each_once(struct map_truth *truth)
{
    size_t kept = 0;
    for (size_t i = 0; i < truth->objects_count; i++) {
        const struct map_object *object = &truth->objects[i];
        truth->asked_bytes[object->part] += object->asked_bytes;
        if (kept > 0 && truth->objects[kept - 1].base == object->base)
            truth->has_shared_objects |= truth->objects[kept - 1].part != object->part;
        else
            truth->objects[kept++] = *object;
    }
    truth->objects_count = kept;
}

void map_truth_read(struct map_truth *truth, struct program *program, const char *directory)
{
    char path[PATH_BYTES], deep[MAP_TRUTH_NAME_BYTES];
    memset(truth, 0, sizeof *truth);
    int length = snprintf(truth->line, sizeof truth->line, "%s", program_await_line(program, "map "));
    if (length < 0 || (size_t)length >= sizeof truth->line)
        fail("a line of %d bytes", length);
    copy_word(truth->variable, truth->line, "variable=");
    copy_word(truth->type, truth->line, "type=");
    copy_word(deep, truth->line, "deep=");
    truth->is_deep = deep[0] == '1';

    snprintf(path, sizeof path, "%s/%s", directory, truth->variable);
    struct text objects = text_of_file(path);
    if (objects.length % sizeof *truth->objects != 0)
        fail("%s ends in an object", path);
    truth->objects_count = objects.length / sizeof *truth->objects;
    truth->objects = (struct map_object *)(void *)objects.bytes;
    for (size_t i = 0; i < truth->objects_count; i++) {
        if (truth->objects[i].part >= TRUTH_PARTS || truth->objects[i].slot_bytes == 0)
            fail("%s: object %zu makes no sense", path, i);
    }
    if (truth->objects_count > 0)
        qsort(truth->objects, truth->objects_count, sizeof *truth->objects, compare);
    keep_each_once(truth);
    must(remove(path) == 0, "%s", path);
}

void map_truth_free(struct map_truth *truth)
{
    free(truth->objects);
    truth->objects = NULL;
}

/* pagemap, read a stretch at a time. */
struct pagemap {
    int fd;
    uint64_t entries[WINDOW], first, count;
};

/* Nobody else has the page: so it is neither the zero page nor a page of a file. */
static bool is_resident(struct pagemap *pagemap, uint64_t os_page)
{
    if (os_page < pagemap->first || os_page - pagemap->first >= pagemap->count) {
        ssize_t bytes = pread(pagemap->fd, pagemap->entries, sizeof pagemap->entries,
                              (off_t)(os_page * sizeof pagemap->entries[0]));
        must(bytes >= (ssize_t)sizeof pagemap->entries[0], "pagemap of page %" PRIu64, os_page);
        pagemap->first = os_page;
        pagemap->count = (uint64_t)bytes / sizeof pagemap->entries[0];
    }
    const uint64_t present = 1ull << 63, exclusive = 1ull << 56;
    return (pagemap->entries[os_page - pagemap->first] & (present | exclusive)) == (present | exclusive);
}

static void count_page(struct map_pages *pages, struct pagemap *pagemap, uint64_t go_page)
{
    uint64_t os_page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), resident = 0;
    for (uint64_t at = go_page * GO_PAGE_BYTES; at < (go_page + 1) * GO_PAGE_BYTES; at += os_page_bytes)
        resident += is_resident(pagemap, at / os_page_bytes);
    pages->go_pages++;
    pages->resident_go_pages += resident > 0;
    pages->resident_bytes += resident * os_page_bytes;
}

struct map_pages map_truth_pages(const struct map_truth *truth, unsigned part, pid_t pid)
{
    static struct pagemap pagemap;
    char path[PATH_BYTES];
    struct map_pages pages = {0};
    uint64_t next = 0; /* the first page that was not counted */
    snprintf(path, sizeof path, "/proc/%d/pagemap", (int)pid);
    pagemap = (struct pagemap){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    must(pagemap.fd >= 0, "%s", path);
    for (size_t i = 0; i < truth->objects_count; i++) {
        const struct map_object *object = &truth->objects[i];
        if (part != TRUTH_PARTS && object->part != part)
            continue;
        pages.objects++;
        pages.slot_bytes += object->slot_bytes;
        uint64_t page = object->base / GO_PAGE_BYTES;
        for (page = page < next ? next : page; page * GO_PAGE_BYTES < object->base + object->slot_bytes; page++) {
            count_page(&pages, &pagemap, page);
            next = page + 1;
        }
    }
    close(pagemap.fd);
    return pages;
}
