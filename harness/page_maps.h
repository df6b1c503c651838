/* SPDX-License-Identifier: Apache-2.0
 *
 * The maps that an address belongs to, of those in package variables: as what, and at which place in their buckets.
 *
 * Which maps are searched is said by name. If nobody says it, those of package main are, and those of all packages when
 * the program is not large: as long as it takes no more than about a second.
 */
#ifndef GPW_HARNESS_PAGE_MAPS_H
#define GPW_HARNESS_PAGE_MAPS_H

#include <stdio.h>

#include "dump/json.h"
#include "goruntime/map_walk.h"
#include "harness/error.h"
#include "harness/map_look.h"

enum { PAGE_MAPS_NAMES_MAX = 16, PAGE_MAPS_OWNERS_MAX = 8, PAGE_MAPS_SEARCHED_MAX = 1024 };

struct page_maps_question {
    uintptr_t address;
    const char *names[PAGE_MAPS_NAMES_MAX]; /* variables, 'main.*' */
    uint32_t names_count;                   /* 0: as said above */
    const char *program;                    /* as in struct map_question */
    const struct symbols_options *symbols;
    bool is_deep;
};

struct page_owner {
    char name[MAP_PATH_NAME_BYTES], type_name[MAP_PATH_NAME_BYTES];
    uintptr_t header;
    enum map_part part;
    struct map_place place;
};

struct page_maps {
    const char *pattern; /* what was searched, when nobody said it; NULL: somebody did */
    bool is_deep;
    uint32_t searched;                       /* maps */
    uint64_t entries;                        /* of them */
    uint32_t changed;                        /* of them, while they were walked: the address may have been missed */
    uint32_t cut;                            /* of them, that lead to the same values too often to be searched whole */
    uint32_t unread;                         /* could not be read, */
    const char *unread_why;                  /* the first of them because of this */
    uint64_t left_out;                       /* too large for a search that nobody asked for, or too many */
    char left_out_name[MAP_PATH_NAME_BYTES]; /* of one that was too large; "": there is none */
    char why_not[ERROR_TEXT_BYTES];          /* nothing could be searched; "": it could */
    struct page_owner owners[PAGE_MAPS_OWNERS_MAX];
    uint32_t owners_count;
    uint32_t owners_left_out;                  /* for which there was no room */
    uintptr_t headers[PAGE_MAPS_SEARCHED_MAX]; /* so that each is searched once, whatever its names */
};

/* Walks them. `thing` names the process in what is said. False: `error`; a map that was named cannot be found. */
bool page_maps_search(struct page_maps *maps, const char *subcommand, int pid, const char *thing,
                      const struct page_maps_question *question, struct error *error);

void page_maps_write_text(FILE *out, const struct page_maps *maps);
/* Under the key "maps". */
void page_maps_write_json(struct json *json, const struct page_maps *maps);

#endif
