/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/dump.schema.json: it takes the dumps that we write, refuses dumps that break a promise of docs/dump-format.md,
 * and has the same lists as the tables in include/gopagewatch. Run from the repository's root.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gopagewatch/advice.h"
#include "gopagewatch/class.h"
#include "gopagewatch/page_state.h"
#include "tests/unit/support/made_document.h"
#include "tests/unit/support/own_snapshot.h"

#define SCHEMA "docs/dump.schema.json"
#define VALIDATE "python3 tests/unit/support/validate_schema.py " SCHEMA

enum { NOT_INSTALLED = 77, NOT_FOUND = 127, DOCUMENTS_MAX = 64, ANSWER_BYTES = 400 };

static struct made_document made;
static struct temporary_directory directory;

static void make(void)
{
    if (access(SCHEMA, R_OK) != 0)
        cr_skip_test(SCHEMA " is not here: run from the repository's root");
    temporary_directory_make(&directory);
    made_document_make(&made);
}

static void clean(void)
{
    temporary_directory_remove(&directory);
}

TestSuite(document_schema, .init = make, .fini = clean);

static char answers[DOCUMENTS_MAX][ANSWER_BYTES];

/* Holds the files "0", "1", ... of the directory against the schema; the answers are in `answers`. */
static void validate(unsigned count)
{
    char command[DOCUMENTS_MAX * FILE_PATH_BYTES] = VALIDATE, path[FILE_PATH_BYTES], name[12];
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%u", i);
        strcat(strcat(command, " "), path_in(&directory, name, path));
    }
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    for (unsigned i = 0; i < count && fgets(answers[i], ANSWER_BYTES, pipe) != NULL; i++)
        ;
    int status = WEXITSTATUS(pclose(pipe));
    if (status == NOT_INSTALLED || status == NOT_FOUND)
        cr_skip_test("python3-jsonschema is not installed");
    cr_assert_leq(status, 1, "the schema itself is wrong");
}

static void write_as(const struct json_t *dump, unsigned number)
{
    char path[FILE_PATH_BYTES], name[12];
    snprintf(name, sizeof name, "%u", number);
    parsed_write(dump, path_in(&directory, name, path));
}

Test(document_schema, takes_what_we_write)
{
    struct json_t *dump = made_document_write(&made);
    write_as(dump, 0);
    /* Keys are only added: what is not known is allowed everywhere. */
    parsed_replace(dump, "more", "1");
    parsed_replace(dump, "process.more", "{}");
    parsed_replace(dump, "books.shim.counters.more", "1");
    parsed_replace(dump, "maps.0.more", "null");
    write_as(dump, 1);
    parsed_free(dump);
    static struct own_snapshot own;
    own_snapshot_open(&own);
    own_snapshot_take(&own);
    made.document.snapshot = &own.snapshot;
    dump = made_document_write(&made);
    write_as(dump, 2);
    parsed_free(dump);
    validate(3);
    for (int i = 0; i < 3; i++)
        cr_expect_str_eq(answers[i], "ok\n", "document %d: %s", i, answers[i]);
}

/* Without the third column the key is taken away. */
Test(document_schema, refuses_what_breaks_a_promise)
{
    static const char *const CASES[][2] = {
        {"schema", "\"gopagewatch.dump/2\""},
        {"reason", "\"because\""},
        {"seq", "0"},
        {"label", NULL},
        {"label", "null"},
        {"phase", "null"},
        {"time.utc", "\"2026-11-23 03:26:01\""},
        {"time.took_ns", "1.5"},
        {"process.pid", "\"4711\""},
        {"process.threads", NULL},
        {"environment.gogc", NULL},
        {"environment.thp.enabled", "1"},
        {"environment.build_id", "\"xyz\""},
        {"books.malloc", NULL},
        {"books.shim.how", "\"guessed\""},
        {"books.shim.missing", "{}"},
        {"books.malloc.missing.0.why", NULL},
        {"books.shim.counters.dumps_failed", NULL},
        {"books.pagemap.untrusted", "-1"},
        {"rss.total", "9223372036854775808.0"},
        {"rss.explained", NULL},
        {"rss.classes.'go.stacks'", NULL},
        {"rss.classes.libs.lazyfree", NULL},
        {"rss.classes.libs.huge", "-4096"},
        {"go.arenas", NULL},
        {"go.arenas.0.start", "824633720832"},
        {"go.arenas.0.start", "\"0xC000\""},
        {"go.arenas.0.pages", "\"H512z3\""},
        {"go.arenas.0.pages", "\"\""},
        {"go.advice.0.advice", "\"MADV_DONTNEED\""},
        {"go.advice.0.by", "\"loader\""},
        {"go.maps.0.design", "\"tree\""},
        {"go.maps.0.address", "0"},
        {"go.maps.0.entries", NULL},
        {"go.maps.0.parts.0.part", "\"slots\""},
        {"go.maps.0.parts.0.asked", "-1"},
        {"go.maps.0.total.pages", NULL},
        {"go.maps.0.deep", "1"},
        {"go.maps.1.why", "null"},
        {"go.maps.1.type", NULL},
        {"events.columns.0", "\"ns\""},
        {"events.rows.0.2", "\"GO\""},
        {"events.rows.0.3", "\"brk\""},
        {"events.rows.0.4", "4096"},
        {"events.rows.0.6", "\"DONTNEED\""},
        {"events.rows.1.6", "\"rw-\""},
        {"events.rows.0.7", NULL},
        {"maps.0.perms", "\"rwxp-\""},
        {"maps.0.class", "\"heap\""},
        {"maps.0.name", NULL},
        {"findings", "null"},
        {"callsites", NULL},
    };
    enum { COUNT = sizeof CASES / sizeof CASES[0] };
    for (unsigned i = 0; i < COUNT; i++) {
        struct json_t *dump = made_document_write(&made);
        if (CASES[i][1] == NULL)
            parsed_remove(dump, CASES[i][0]);
        else
            parsed_replace(dump, CASES[i][0], CASES[i][1]);
        write_as(dump, i);
        parsed_free(dump);
    }
    validate(COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        cr_expect_eq(strncmp(answers[i], "bad ", 4), 0, "%s = %s: %s", CASES[i][0], CASES[i][1], answers[i]);
}

static struct json_t *read_schema(void)
{
    FILE *file = fopen(SCHEMA, "r");
    cr_assert_not_null(file);
    struct json_t *schema = parsed_descriptor(fileno(file));
    fclose(file);
    return schema;
}

static bool lists(const struct json_t *schema, const char *place, const char *text)
{
    for (uint64_t i = 0; i < parsed_size(schema, place); i++) {
        char at[200];
        snprintf(at, sizeof at, "%s.%lu", place, i);
        if (strcmp(parsed_string(schema, at), text) == 0)
            return true;
    }
    return false;
}

Test(document_schema, has_the_lists_of_the_tables)
{
    static const char CLASSES[] = "properties.rss.properties.classes.required";
    static const char MAP_CLASSES[] = "properties.maps.items.properties.class.enum";
    static const char ADVICES[] = "$defs.advice.enum";
    static const char MAP_PARTS_PLACE[] = "$defs.go_map.properties.parts.items.properties.part.enum";
    struct json_t *schema = read_schema();
#define X(id, name, meaning)                       \
    cr_expect(lists(schema, CLASSES, name), name); \
    cr_expect(lists(schema, MAP_CLASSES, name), name);
    GPW_MEMORY_CLASSES(X)
#undef X
    cr_expect_eq(parsed_size(schema, CLASSES), CLASS_COUNT);
    cr_expect_eq(parsed_size(schema, MAP_CLASSES), CLASS_COUNT);
#define X(id, value, name) cr_expect(lists(schema, ADVICES, name), name);
    GPW_ADVICES(X)
#undef X
    cr_expect_eq(parsed_size(schema, ADVICES), ADVICE_COUNT);
#define X(id, name, what) cr_expect(lists(schema, MAP_PARTS_PLACE, name), name);
    GPW_MAP_PARTS(X)
#undef X
    cr_expect_eq(parsed_size(schema, MAP_PARTS_PLACE), (int)MAP_PARTS);
#define X(id, letter, meaning) letter, (letter)-32,
    static const char LETTERS[] = {GPW_PAGE_STATES(X) '\0'};
#undef X
    const char *pattern = parsed_string(schema, "$defs.page_string.pattern");
    for (const char *letter = LETTERS; *letter != '\0'; letter++)
        cr_expect_not_null(strchr(pattern, *letter), "%c", *letter);
    parsed_free(schema);
}
