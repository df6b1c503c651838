/* SPDX-License-Identifier: Apache-2.0
 *
 * jansson's allocation functions, counted. jansson has one pair of them for the process, so the count is a static; the
 * command reads documents on one thread.
 */
#include "harness/json_memory.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

static struct {
    uint64_t bytes_max;
    uint64_t used_bytes;
    bool was_exceeded;
} budget;

static void *take(size_t bytes)
{
    if (budget.used_bytes >= budget.bytes_max || bytes > budget.bytes_max - budget.used_bytes) {
        budget.was_exceeded = true;
        return NULL;
    }
    void *piece = malloc(bytes);
    budget.used_bytes += malloc_usable_size(piece);
    return piece;
}

/* A piece from before the count began is not subtracted below nothing. */
static void give_back(void *piece)
{
    uint64_t bytes = malloc_usable_size(piece);
    budget.used_bytes -= bytes < budget.used_bytes ? bytes : budget.used_bytes;
    free(piece);
}

void json_memory_limit(uint64_t bytes_max)
{
    budget.bytes_max = bytes_max;
    budget.used_bytes = 0;
    budget.was_exceeded = false;
    json_set_alloc_funcs(take, give_back);
}

bool json_memory_was_exceeded(void)
{
    return budget.was_exceeded;
}
