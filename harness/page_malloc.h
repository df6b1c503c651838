/* SPDX-License-Identifier: Apache-2.0
 *
 * Malloc's book at one address: the block that it lies in, and whether that is free.
 */
#ifndef GPW_HARNESS_PAGE_MALLOC_H
#define GPW_HARNESS_PAGE_MALLOC_H

#include <stdio.h>

#include "dump/json.h"
#include "harness/outside.h"
#include "harness/page_facts.h"

/* Fills facts->block of an address that was classified by `outside`'s snapshot, and makes the class c.heap.free where
 * the block is. */
void page_malloc_look(const struct outside *outside, struct page_facts *facts);

/* Nothing for an address that is not malloc's. */
void page_malloc_write_text(FILE *out, const struct page_facts *facts);
/* "block"; null for an address that is not malloc's. */
void page_malloc_write_json(struct json *json, const struct page_facts *facts);

#endif
