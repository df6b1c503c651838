/* SPDX-License-Identifier: Apache-2.0
 *
 * The object that an address lies in: its type, where Go keeps it, and how much was asked for.
 *
 * From go1.22 on an object with pointers has its type's descriptor before it (of more than 512 bytes: the malloc
 * header) or in its span (a large one). Of an array that is the type of the elements; how many there are is not kept.
 */
#ifndef GPW_HARNESS_PAGE_OBJECT_H
#define GPW_HARNESS_PAGE_OBJECT_H

#include <stdio.h>

#include "dump/json.h"
#include "goruntime/go_type_name.h"
#include "harness/page_facts.h"

enum { PAGE_OBJECT_WHY_BYTES = 96 };

struct page_object {
    bool is_object;                            /* the address lies in an allocated slot, and: */
    uint64_t header_bytes;                     /* of the slot, before the object */
    uint64_t asked_min_bytes, asked_max_bytes; /* 0: not known */
    bool is_tiny;                              /* or it is several small ones that share the slot */
    const char *type_why_not;                  /* the type is not known; NULL: it is */
    char why_text[PAGE_OBJECT_WHY_BYTES];
    uintptr_t type; /* the descriptor */
    uint64_t type_bytes;
    char type_name[GO_TYPE_NAME_BYTES]; /* "": made by package reflect, which keeps the name elsewhere */
    uint64_t elements_max;              /* so many fit; 0: they have no size */
};

/* `page` is what was found at `address`. Must not be moved afterwards. */
void page_object_look(struct page_object *object, const struct go_page *page);

void page_object_write_text(FILE *out, const struct page_object *object);
/* Under the key "object". */
void page_object_write_json(struct json *json, const struct page_object *object);

#endif
