/* SPDX-License-Identifier: Apache-2.0
 *
 * How many pages does this map really cost? What `gopagewatch map` and a dump's `maps` tell of one map, as data.
 *
 * Everything is counted once: an object that two entries share, or that keys and elements share, belongs to the part
 * that came to it first, and what it was asked for is what that asks for. So of many strings in one object the first is
 * all that `asked` has; `naive_bytes` has them all, as often as they come. The program goes on meanwhile: what changed
 * under the walk is read again, a few times, and counted.
 *
 * Allowed context: dumper, command; one thread at a time.
 */
#ifndef GPW_DUMP_MAP_ANSWER_H
#define GPW_DUMP_MAP_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/json.h"
#include "goruntime/heap_find.h"
#include "goruntime/map_path.h"
#include "goruntime/map_walk.h"
#include "memory/residency.h"

extern const char *const MAP_PART_NAMES[MAP_PARTS];

struct map_part_sizes {
    uint64_t objects;         /* on the heap */
    uint64_t asked_bytes;     /* what was asked for: of a string its length, of a slice its capacity */
    uint64_t allocated_bytes; /* the slots that hold it */
    uint64_t spans_bytes;     /* the spans these slots are in; other parts and strangers may be there too */
    uint64_t go_pages;        /* pages of 8 KiB that these slots touch */
    uint64_t resident_bytes;  /* of these pages */
    uint64_t image_bytes;     /* what lies in the program's image, not in the heap: of each address the first */
};

struct map_answer {
    const char *name, *type_name;
    const char *why; /* NULL: all that follows is known; else a sentence why nothing is */
    enum map_design design;
    uintptr_t address;                       /* of the map's header; 0: a nil map, all numbers are 0 */
    uint64_t key_bytes, element_bytes;       /* sizes of the types themselves */
    uint64_t count;                          /* entries by the map's own counter */
    uint64_t entries;                        /* entries found */
    uint64_t capacity;                       /* slots, without overflow */
    uint64_t tombstones;                     /* Swiss: deleted slots, not to be used before their table clears them */
    uint64_t buckets;                        /* buckets, or groups */
    uint64_t old_buckets, evacuated_buckets; /* of a map that grows: buckets of the old array, and how many are done */
    uint64_t overflow_buckets;               /* in use, on chains */
    uint64_t tables, directory_slots;        /* Swiss; 0 and 0: one group without a table */
    struct map_part_sizes parts[MAP_PARTS];
    struct map_part_sizes total;          /* spans and pages that parts share count once */
    uint64_t resident_go_pages;           /* of total.go_pages: with any OS page resident */
    uint64_t alone_go_pages, alone_bytes; /* pages, and what is resident of them, where all objects are this map's */
    uint64_t alone_spans_bytes; /* spans in which all objects are: what its end gives back to the page allocator */
    uint64_t shared_go_pages;   /* with objects that are not the map's */
    uint64_t huge_bytes;        /* of its pages, mapped by huge pages */
    uint64_t naive_bytes;       /* entries times the sizes of key and element, plus what each of these asks for */
    /* The same entries in a map made new for so many; and at its next growth. The slots' part only. */
    uint64_t remade_capacity, remade_bytes;
    uint64_t grows_at_entries, grown_capacity, grown_bytes;
    uint64_t torn_reads;  /* structs, stretches, maps that changed while they were read, or made no sense */
    uint64_t unfollowed;  /* values that were not followed whole: more was to be kept in mind than there is room */
    uint64_t spent_bytes; /* 0: the walk came to its end; else so much was read, as much as may be, and that was it */
    uint32_t attempts;    /* walks, the last of which is told */
    uint64_t unknown_objects; /* pointers to what is no object of the heap and no static data */
    bool is_deep;
    uint64_t walk_ns;
    uint64_t scratch_bytes; /* resident memory of the walk itself */
};

/* Who is asked. */
struct map_source {
    const struct go_heap *heap;
    struct residency *residency; /* NULL: nothing is known to be resident */
    uintptr_t bias;              /* of the module that holds the runtime: load address less link-time address */
    uintptr_t image_start, image_end;
    uint64_t os_page_bytes;
    bool is_deep;               /* follow all pointers, not those of keys and elements only */
    uint64_t memory_most_bytes; /* that the walk may take; 0: as the process's own limits allow */
};

/* Reserves address space for walks of maps, at most `most_bytes`. 0, or -errno. */
int map_reserve_open(struct bump *bump, uint64_t most_bytes);

/* Fills `answer`; a map that cannot be read has a `why`. `path` must outlive the answer. Memory for the walk is mapped
 * and unmapped. */
void map_answer_make(struct map_answer *answer, const struct map_path *path, const struct map_source *source);

/* Writes it as one JSON object (docs/dump-format.md, `maps`). */
void map_answer_write(struct json *json, const struct map_answer *answer);

#endif
