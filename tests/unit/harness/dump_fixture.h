/* SPDX-License-Identifier: Apache-2.0
 *
 * A small dump that is right in every key, and ways to make it wrong in one: a test names a key and a JSON value, the
 * rest stays. Its classes add up to 61440 KiB of 61448 KiB RSS; the largest is not the first.
 */
#ifndef GPW_TESTS_DUMP_FIXTURE_H
#define GPW_TESTS_DUMP_FIXTURE_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/dump_file.h"

#define KIB(count) ((uint64_t)(count)*1024)

static const char DUMP_FIXTURE[] =
    "{\"schema\":\"gopagewatch.dump/1\",\"reason\":\"signal\",\"seq\":3,\"label\":\"\",\"phase\":\"\","
    "\"time\":{\"utc\":\"2026-11-23T03:26:01.123456789Z\",\"unix_ns\":1795404361123456789,"
    "\"since_start_ns\":5000000000,\"took_ns\":1200000},"
    "\"process\":{\"pid\":4711,\"comm\":\"shop\",\"exe\":\"/srv/shop\",\"host\":\"web-3\",\"threads\":9},"
    "\"environment\":{\"kernel\":\"6.18.0\",\"machine\":\"x86_64\",\"cpus\":4,\"os_page_bytes\":4096,"
    "\"thp\":{\"enabled\":\"madvise\",\"defrag\":null,\"khugepaged_max_ptes_none\":null},"
    "\"cgroup_memory_max_bytes\":null,\"gogc\":null,\"gomemlimit\":\"1GiB\",\"godebug\":null,\"gomaxprocs\":null,"
    "\"go_version\":\"go1.26.10\",\"build_id\":\"00ff\"},"
    "\"books\":{\"shim\":{\"how\":\"patched\",\"missing\":[],\"untrusted\":0,"
    "\"counters\":{\"events_recorded\":7,\"events_lost\":0,\"dumps_failed\":0}},"
    "\"goruntime\":{\"how\":\"none\",\"missing\":[{\"what\":\"spans\",\"why\":\"the heap is not walked\"}],"
    "\"untrusted\":0,\"counters\":{}}},"
    "\"rss\":{\"total\":62922752,\"peak\":73400320,\"swapped\":0,\"explained\":62898176,\"classes\":{"
    "\"libs\":{\"mapped\":4194304,\"resident\":2097152,\"swapped\":0,\"huge\":0,\"lazyfree\":0},"
    "\"go.heap\":{\"mapped\":67108864,\"resident\":60801024,\"swapped\":0,\"huge\":0,\"lazyfree\":0},"
    "\"go.reserved\":{\"mapped\":1048576,\"resident\":0,\"swapped\":0,\"huge\":0,\"lazyfree\":0},"
    "\"go.stacks\":{\"mapped\":0,\"resident\":0,\"swapped\":0,\"huge\":0,\"lazyfree\":0},"
    "\"other\":{\"mapped\":16384,\"resident\":16384,\"swapped\":0,\"huge\":0,\"lazyfree\":0}}},"
    "\"go\":{\"runtimes\":[],\"advice\":[{\"by\":\"go\",\"advice\":\"DONTNEED\",\"calls\":45,\"bytes\":128974848,"
    "\"errors\":0}],"
    "\"heaps\":[{\"module\":\"/srv/shop\",\"layout\":\"go1.26\",\"why\":null,\"mheap\":\"0x5c0000\","
    "\"gc\":{\"cycle\":12,\"phase\":\"off\",\"percent\":100,\"memory_limit\":1073741824,\"goal\":41943040,"
    "\"live\":20971520,\"marked\":20971520},\"says\":null,\"arenas\":1,\"spans\":40,\"spans_unswept\":0,"
    "\"objects\":3000}],"
    "\"sizeclass\":{\"64\":{\"spans\":30,\"slots\":3840,\"objects\":2990,\"bytes\":191360,\"mapped\":245760,"
    "\"resident\":245760,\"occupancy\":[0,4,0,0,0,0,0,6,0,20],\"sparse_bytes\":32768}},"
    "\"large\":{\"spans\":10,\"bytes\":41943040,\"resident\":20971520,\"untouched\":20971520},"
    "\"profile\":{\"rate\":524288,\"stacks\":[{\"pcs\":[\"0x492ea5\",\"0x493d2f\"],\"size\":64,\"objects\":2,"
    "\"bytes\":128,\"resident\":128,\"pinned_pages\":8192,\"pinned_spans\":8192,\"alone_on_page\":1,"
    "\"alone_in_span\":0,\"alone_spans\":0}],\"left_out\":{\"stacks\":0,\"objects\":0,\"bytes\":0,\"resident\":0,"
    "\"pinned_pages\":0,\"pinned_spans\":0,\"alone_on_page\":0,\"alone_in_span\":0,\"alone_spans\":0},\"untrusted\":0},"
    "\"reinflated\":{\"resident\":4194304,\"huge\":2097152,\"ranges\":[{\"start\":\"0xc000400000\","
    "\"bytes\":4194304,\"huge\":2097152,\"released_count\":2,\"released_since_start_ns\":4000000000}]},"
    "\"arenas\":[{\"start\":\"0xc000000000\",\"bytes\":67108864,\"resident\":31457280,"
    "\"pages\":\"O3000U100S20F600R512r60f100x3800\"}]},"
    "\"events\":{},\"callsites\":[],\"maps\":[{\"start\":\"0xc000000000\",\"end\":\"0xc004000000\","
    "\"perms\":\"rw-p\",\"name\":\"\",\"class\":\"go.heap\",\"mapped\":67108864,\"resident\":60801024,"
    "\"swapped\":0,\"huge\":0,\"lazyfree\":0}],\"findings\":[]}";

enum { FIXTURE_TOTAL_KIB = 61448, FIXTURE_SUM_KIB = 61440, FIXTURE_EXPLAINED_KIB = 61424 };

/* Loads `bytes` bytes through a file of their own. */
static inline bool fixture_load_bytes(struct dump *dump, const char *text, size_t bytes, struct error *error)
{
    char path[] = "/tmp/gopagewatch-test-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, text, bytes), (ssize_t)bytes);
    close(fd);
    bool is_loaded = dump_load(dump, path, error);
    unlink(path);
    return is_loaded;
}

/* The container at a path of keys and list positions, its last step left in `last`. */
static inline json_t *fixture_parent(json_t *document, const char *slash_path, const char **last)
{
    json_t *at = document;
    const char *step = slash_path;
    for (const char *slash; (slash = strchr(step, '/')) != NULL; step = slash + 1) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(slash - step), step);
        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10)) : json_object_get(at, name);
        cr_assert_not_null(at, "the fixture has no %s of %s", name, slash_path);
    }
    *last = step;
    return at;
}

/* Sets the value at "rss/classes/libs/mapped" to a JSON text, or takes it away when that is NULL. */
static inline void fixture_change(json_t *document, const char *slash_path, const char *json)
{
    const char *last;
    json_t *parent = fixture_parent(document, slash_path, &last);
    if (json == NULL) {
        cr_assert_eq(json_object_del(parent, last), 0, "the fixture has no %s", slash_path);
        return;
    }
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    cr_assert_not_null(value, "not JSON: %s", json);
    if (json_is_array(parent))
        cr_assert_eq(json_array_set_new(parent, strtoul(last, NULL, 10), value), 0);
    else
        cr_assert_eq(json_object_set_new(parent, last, value), 0);
}

static inline json_t *fixture_document(void)
{
    json_t *document = json_loads(DUMP_FIXTURE, 0, NULL);
    cr_assert_not_null(document);
    return document;
}

/* Loads a document and drops it. */
static inline bool fixture_load_document(struct dump *dump, json_t *document, struct error *error)
{
    char *text = json_dumps(document, JSON_COMPACT);
    bool is_loaded = fixture_load_bytes(dump, text, strlen(text), error);
    free(text);
    json_decref(document);
    return is_loaded;
}

#endif
