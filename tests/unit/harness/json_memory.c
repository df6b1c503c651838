/* SPDX-License-Identifier: Apache-2.0
 *
 * The budget of jansson: it holds, it is given back, and it tells why a document was refused.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/json_memory.h"

enum { TOO_MANY_OBJECTS = 10000, SOME_OBJECTS = 3000, BUDGET_BYTES = 1 << 20 };

/* "[{},{},...]": an object takes 100 to 200 bytes of memory. */
static char *many_objects(int count)
{
    char *text = malloc((size_t)count * 3 + 2);
    char *at = text;
    *at++ = '[';
    for (int i = 0; i < count; i++, at += 3)
        memcpy(at, "{},", 3);
    memcpy(at - 1, "]", 2);
    return text;
}

Test(json_memory, document_beyond_the_budget_is_refused)
{
    char *text = many_objects(TOO_MANY_OBJECTS);
    json_error_t error;
    json_memory_limit(BUDGET_BYTES);
    cr_expect_null(json_loads(text, 0, &error));
    cr_expect(json_memory_was_exceeded());
    free(text);
}

Test(json_memory, budget_comes_back_when_a_document_goes)
{
    enum { ROUNDS = 20 };
    char *text = many_objects(SOME_OBJECTS);
    json_error_t error;
    json_memory_limit(BUDGET_BYTES);
    for (int round = 0; round < ROUNDS; round++) {
        json_t *document = json_loads(text, 0, &error);
        cr_expect_eq(json_array_size(document), SOME_OBJECTS, "round %d: %s", round, error.text);
        json_decref(document);
    }
    cr_expect_not(json_memory_was_exceeded());
    free(text);
}

Test(json_memory, new_count_forgets_what_was_refused)
{
    char *text = many_objects(TOO_MANY_OBJECTS);
    json_error_t error;
    json_memory_limit(BUDGET_BYTES);
    cr_expect_null(json_loads(text, 0, &error));
    json_memory_limit((uint64_t)64 * BUDGET_BYTES);
    cr_expect_not(json_memory_was_exceeded());
    json_t *document = json_loads(text, 0, &error);
    cr_expect_eq(json_array_size(document), TOO_MANY_OBJECTS);
    cr_expect_not(json_memory_was_exceeded());
    json_decref(document);
    free(text);
}
