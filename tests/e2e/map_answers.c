/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of an answer.
 */
#include "tests/e2e/map_answers.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"

enum { ARGUMENTS_MAX = 8 };

static const char *const PARTS[TRUTH_PARTS] = {"header",   "tables", "buckets",  "old_buckets",
                                               "overflow", "keys",   "elements", "deep"};

json_t *map_answers_run(const char *const *arguments)
{
    const char *all[ARGUMENTS_MAX + 3] = {"map", "--json"};
    json_error_t error;
    for (unsigned i = 0; arguments[i] != NULL; i++) {
        if (i == ARGUMENTS_MAX)
            fail("more than %d arguments", ARGUMENTS_MAX);
        all[i + 2] = arguments[i];
    }
    struct program *program = gopagewatch_run(all);
    int code = program_await_end(program);
    if (code != 0 || *program_errors(program) != '\0')
        fail("gopagewatch map %s: exit %d: %s", arguments[0], code, program_errors(program));
    json_t *answers = json_loads(program_output(program), JSON_REJECT_DUPLICATES, &error);
    if (answers == NULL)
        fail("%s: %s", error.text, program_output(program));
    cr_expect_str_eq(dump_text(answers, "schema"), "gopagewatch.maps/1");
    program_free(program);
    return answers;
}

const json_t *map_answer_of(const json_t *answers, const char *variable)
{
    const json_t *maps = dump_at(answers, "maps");
    for (size_t i = 0; i < json_array_size(maps); i++) {
        if (strcmp(dump_text(json_array_get(maps, i), "name"), variable) == 0)
            return json_array_get(maps, i);
    }
    fail("there is no answer about %s", variable);
}

uint64_t map_answer_number(const json_t *answer, const char *name)
{
    return strcmp(name, "address") == 0 ? dump_address(answer, name) : dump_number(answer, name);
}

bool map_answer_is_known(const json_t *answer)
{
    const json_t *why = dump_find(answer, "why");
    return why == NULL || json_is_null(why);
}

struct map_answer_part map_answer_part(const json_t *answer, unsigned part)
{
    const json_t *found = part == TRUTH_PARTS ? dump_at(answer, "total") : NULL;
    const json_t *parts = dump_at(answer, "parts");
    for (size_t i = 0; i < json_array_size(parts) && part < TRUTH_PARTS; i++) {
        if (strcmp(dump_text(json_array_get(parts, i), "part"), PARTS[part]) == 0)
            found = json_array_get(parts, i);
    }
    if (found == NULL)
        return (struct map_answer_part){0};
    return (struct map_answer_part){
        .objects = dump_number(found, "objects"),
        .asked_bytes = dump_number(found, "asked"),
        .allocated_bytes = dump_number(found, "allocated"),
        .spans_bytes = dump_number(found, "in_spans"),
        .go_pages = dump_number(found, "pages"),
        .resident_bytes = dump_number(found, "resident"),
        .image_bytes = dump_number(found, "image"),
    };
}

json_t *map_answer_lasting(const json_t *answer)
{
    static const char *const PASSING[] = {"walk_ns", "attempts",    "pages_alone", "pages_shared",
                                          "alone",   "alone_spans", "huge"};
    json_t *copy = json_deep_copy(answer);
    for (unsigned i = 0; i < sizeof PASSING / sizeof PASSING[0]; i++) {
        if (json_object_del(copy, PASSING[i]) != 0)
            fail("the answer has no %s", PASSING[i]);
    }
    return copy;
}
