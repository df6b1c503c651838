/* SPDX-License-Identifier: Apache-2.0
 *
 * How each class of memory is split into samples.
 *
 *   go.objects, go.unused   by size class. The dump says of a size class what is resident of its spans, and of the two
 *                           classes what is resident in all; how much of a span that is resident in part belongs to its
 *                           objects it does not say. That lies between two bounds (all absent pages are objects', or
 *                           none), and all size classes are put at the same point between theirs: the one where the sum
 *                           is right. Where spans are resident as a whole, as most are, the bounds are one number
 *                           a stack of the heap profile has its part of the size class of its objects
 *   go.released             what is resident all the same, and of it what the kernel may take (lazily freed)
 *   c.mmap, go.metadata     by call site (harness/export_sites.h); where the dump has none, by mapping
 *   other parts of heaps    one sample
 *   the rest                by mapping: the file's name without its directories, or the state where it has no name
 */
#include "harness/export_samples.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/export_sites.h"
#include "harness/profile.h"
#include "memory/units.h"

static const char RESIDENT_ROOT[] = "[resident]";
static const char ABSENT_ROOT[] = "[not resident]";
static const char SWAPPED_LEAF[] = "swapped";
static const char GIVEN_BACK_LEAF[] = "given back";
static const char LAZYFREE_LEAF[] = "lazyfree";
static const char NO_MAPPING_LEAF[] = "mapping not told";
static const char LARGE_LEAF[] = "large objects";
static const char STACKS_LEFT_OUT_LEAF[] = "stacks not told";

enum split { BY_STATE, BY_SIZE_CLASS, BY_RELEASE, BY_MAPPING, BY_SITE };

/* `state` names what no other name is known for. */
static const struct shape {
    enum split split;
    const char *state;
} SHAPES[CLASS_COUNT] = {
    [CLASS_GO_OBJECTS] = {BY_SIZE_CLASS, "size class not told"},
    [CLASS_GO_UNUSED] = {BY_SIZE_CLASS, "size class not told"},
    [CLASS_GO_STACKS] = {BY_STATE, "goroutine stacks"},
    [CLASS_GO_FREE] = {BY_STATE, "free-resident"},
    [CLASS_GO_HEAP] = {BY_STATE, "span not known"},
    [CLASS_GO_RELEASED] = {BY_RELEASE, "released-resident"},
    [CLASS_GO_RESERVED] = {BY_STATE, "reserved"},
    [CLASS_GO_METADATA] = {BY_SITE, "runtime tables"},
    [CLASS_GO_IMAGE] = {BY_MAPPING, "bss of the Go module"},
    [CLASS_C_HEAP_USED] = {BY_MAPPING, "malloc arenas"},
    [CLASS_C_HEAP_FREE] = {BY_MAPPING, "free in malloc arenas"},
    [CLASS_C_MMAP] = {BY_SITE, "mmap by C"},
    [CLASS_THREAD_STACKS] = {BY_MAPPING, "pthread stacks"},
    [CLASS_LIBS] = {BY_MAPPING, "data of libraries"},
    [CLASS_FILES] = {BY_MAPPING, "mappings without a name"},
    [CLASS_SHIM] = {BY_MAPPING, "tables of the shim"},
    [CLASS_OTHER] = {BY_MAPPING, "not explained"},
};

static const struct shape SHAPE_OF_LATER_VERSION = {BY_MAPPING, "mappings without a name"};

/* One size class's resident bytes, shared between the two classes. */
struct part {
    const char *leaf;
    uint64_t resident_bytes, objects_low_bytes, objects_high_bytes;
    uint64_t objects_bytes, unused_bytes; /* the result */
};

/* A stack of the heap profile, and the part that its objects are in. */
struct owner {
    uint64_t part; /* parts_count: none */
    const struct dump_profile_stack *stack;
    struct profile_estimate estimate;
};

/* A mapping's share of a class, under the name of its sample; NULL: it has none. */
struct mapping {
    const char *class_name, *leaf;
    const struct dump_sizes *sizes;
};

struct builder {
    struct export_samples *out;
    const struct dump *dump;
    uint64_t capacity; /* of the samples, known beforehand */
    uint64_t os_page_bytes, resident_so_far_bytes;
    struct part *parts;
    uint64_t parts_count;
    struct owner *owners; /* by part */
    uint64_t owners_count, next_owner;
    uint64_t inuse_left_bytes, pinned_left_bytes; /* so that no sum wraps */
    struct mapping *mappings;                     /* by leaf */
    uint64_t mappings_count;
    struct export_site *sites; /* by class */
    uint64_t sites_count;
};

/* As much of `wanted` as is left, and that is left no more. */
static uint64_t take(uint64_t *left, uint64_t wanted)
{
    uint64_t taken = min_u64(*left, wanted);
    *left -= taken;
    return taken;
}

/* ---- samples ---- */

/* Fills in the pages. Samples of nothing are left out. */
static void add_sample(struct builder *builder, struct export_sample sample)
{
    const uint64_t *values = sample.values;
    uint64_t before_bytes = builder->resident_so_far_bytes;
    if ((values[EXPORT_RESIDENT] | values[EXPORT_SWAPPED] | values[EXPORT_HUGE] | values[EXPORT_LAZYFREE] |
         values[EXPORT_RELEASED] | values[EXPORT_INUSE] | values[EXPORT_PINNED]) == 0)
        return;
    /* No overflow: the classes' sum fits (dump.h), and no class gives away more than it has. */
    builder->resident_so_far_bytes += values[EXPORT_RESIDENT];
    if (builder->os_page_bytes != 0)
        sample.values[EXPORT_PAGES] =
            builder->resident_so_far_bytes / builder->os_page_bytes - before_bytes / builder->os_page_bytes;
    assert(builder->out->count < builder->capacity);
    builder->out->samples[builder->out->count++] = sample;
}

/* What is resident of these sizes; add_swapped has the rest. */
static void add(struct builder *builder, const char *class_name, const char *leaf, const struct dump_sizes *sizes)
{
    struct export_sample sample = {.frames = {leaf, class_name, RESIDENT_ROOT}};
    sample.values[EXPORT_RESIDENT] = sizes->resident_bytes;
    sample.values[EXPORT_HUGE] = sizes->huge_bytes;
    sample.values[EXPORT_LAZYFREE] = sizes->lazyfree_bytes;
    add_sample(builder, sample);
}

static void add_swapped(struct builder *builder, const struct dump_class *class, uint64_t released_bytes)
{
    struct export_sample sample = {.frames = {SWAPPED_LEAF, class->name, ABSENT_ROOT}};
    sample.values[EXPORT_SWAPPED] = class->sizes.swapped_bytes;
    sample.values[EXPORT_RELEASED] = released_bytes;
    add_sample(builder, sample);
}

/* ---- by size class ---- */

/* Of `resident_bytes` of spans with so many bytes of objects, how many can be objects'. */
static struct part part_of(const char *leaf, uint64_t resident_bytes, uint64_t mapped_bytes, uint64_t object_bytes)
{
    uint64_t unused_bytes = mapped_bytes - min_u64(mapped_bytes, object_bytes);
    uint64_t high_bytes = min_u64(resident_bytes, object_bytes);
    return (struct part){
        .leaf = leaf,
        .resident_bytes = resident_bytes,
        .objects_low_bytes = min_u64(resident_bytes - min_u64(resident_bytes, unused_bytes), high_bytes),
        .objects_high_bytes = high_bytes,
    };
}

/* The parts, cut to what the two classes hold together. */
static void find_parts(struct builder *builder, uint64_t resident_bytes, uint64_t mapped_bytes)
{
    const struct dump *dump = builder->dump;
    for (uint64_t i = 0; i < dump->size_classes_count; i++) {
        const struct dump_size_class *row = &dump->size_classes[i];
        char leaf[48];
        int leaf_bytes = snprintf(leaf, sizeof leaf, "%" PRIu64 " B slots", row->slot_bytes);
        take(&mapped_bytes, row->mapped_bytes);
        builder->parts[builder->parts_count++] =
            part_of(bump_string(&builder->out->bump, leaf, (uint64_t)leaf_bytes),
                    take(&resident_bytes, row->resident_bytes), row->mapped_bytes, row->object_bytes);
    }
    /* What their spans have mapped is what no size class has. */
    const struct dump_large *large = &dump->large;
    builder->parts[builder->parts_count++] =
        part_of(LARGE_LEAF, take(&resident_bytes, large->resident_bytes),
                mapped_bytes > large->object_bytes ? mapped_bytes : large->object_bytes, large->object_bytes);
}

/* Shares each part between objects and unused, so that both sums are right. */
static void share_parts(struct builder *builder)
{
    uint64_t objects_left = builder->dump->rss.classes[CLASS_GO_OBJECTS].sizes.resident_bytes;
    uint64_t unused_left = builder->dump->rss.classes[CLASS_GO_UNUSED].sizes.resident_bytes;
    find_parts(builder, objects_left + unused_left,
               builder->dump->rss.classes[CLASS_GO_OBJECTS].sizes.mapped_bytes +
                   builder->dump->rss.classes[CLASS_GO_UNUSED].sizes.mapped_bytes);
    uint64_t low_bytes = 0, span_bytes = 0; /* parts were cut: their sums fit */
    for (uint64_t i = 0; i < builder->parts_count; i++) {
        low_bytes += builder->parts[i].objects_low_bytes;
        span_bytes += builder->parts[i].objects_high_bytes - builder->parts[i].objects_low_bytes;
    }
    uint64_t above_low_bytes = min_u64(objects_left - min_u64(objects_left, low_bytes), span_bytes);
    uint64_t passed_bytes = 0, given_bytes = 0;
    for (uint64_t i = 0; i < builder->parts_count; i++) {
        struct part *part = &builder->parts[i];
        passed_bytes += part->objects_high_bytes - part->objects_low_bytes;
        uint64_t due_bytes =
            span_bytes == 0 ? 0 : (uint64_t)((unsigned __int128)passed_bytes * above_low_bytes / span_bytes);
        part->objects_bytes = take(&objects_left, part->objects_low_bytes + (due_bytes - given_bytes));
        part->unused_bytes = take(&unused_left, part->resident_bytes - part->objects_bytes);
        given_bytes = due_bytes;
    }
}

/* ---- by stack ---- */

enum { SLOT_BYTES_MAX = 32768 };

/* The sizes of sampled objects are those of their slots. */
static uint64_t part_of_size(const struct builder *builder, uint64_t object_bytes)
{
    const struct dump_size_class *rows = builder->dump->size_classes;
    uint64_t low = 0, high = builder->dump->size_classes_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (rows[middle].slot_bytes < object_bytes)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < builder->dump->size_classes_count && rows[low].slot_bytes == object_bytes)
        return low;
    return object_bytes > SLOT_BYTES_MAX ? builder->parts_count - 1 : builder->parts_count;
}

static int compare_owners(const void *left, const void *right)
{
    const struct owner *a = left, *b = right;
    if (a->part != b->part)
        return a->part < b->part ? -1 : 1;
    return (a->stack > b->stack) - (a->stack < b->stack);
}

static void find_owners(struct builder *builder)
{
    const struct dump_profile *profile = &builder->dump->profile;
    const struct dump_class *classes = builder->dump->rss.classes;
    builder->inuse_left_bytes = INT64_MAX;
    builder->pinned_left_bytes =
        classes[CLASS_GO_OBJECTS].sizes.resident_bytes + classes[CLASS_GO_UNUSED].sizes.resident_bytes;
    for (uint64_t i = 0; i < profile->stacks_count; i++) {
        const struct dump_profile_stack *stack = &profile->stacks[i];
        builder->owners[builder->owners_count++] =
            (struct owner){part_of_size(builder, stack->object_bytes), stack, profile_estimate(profile, stack)};
    }
    qsort(builder->owners, builder->owners_count, sizeof *builder->owners, compare_owners);
}

/* The samples of the stacks of a part, which has so much resident; returns what is left of that. */
static uint64_t add_by_stack(struct builder *builder, const char *class_name, uint64_t part, const char *leaf,
                             uint64_t resident_bytes)
{
    unsigned __int128 claimed_bytes = 0, passed_bytes = 0;
    uint64_t given_bytes = 0, end = builder->next_owner;
    for (; end < builder->owners_count && builder->owners[end].part == part; end++)
        claimed_bytes += builder->owners[end].estimate.resident_bytes;
    for (; builder->next_owner < end; builder->next_owner++) {
        const struct owner *owner = &builder->owners[builder->next_owner];
        passed_bytes += owner->estimate.resident_bytes;
        uint64_t due_bytes =
            claimed_bytes <= resident_bytes
                ? (uint64_t)passed_bytes
                : (uint64_t)((long double)passed_bytes / (long double)claimed_bytes * (long double)resident_bytes);
        due_bytes = min_u64(due_bytes, resident_bytes);
        struct export_sample sample = {.frames = {leaf, class_name, RESIDENT_ROOT}, .stack = owner->stack};
        sample.values[EXPORT_RESIDENT] = due_bytes - given_bytes;
        sample.values[EXPORT_INUSE] = take(&builder->inuse_left_bytes, owner->estimate.bytes);
        sample.values[EXPORT_PINNED] = take(&builder->pinned_left_bytes, owner->estimate.pinned_bytes);
        add_sample(builder, sample);
        given_bytes = due_bytes;
    }
    return resident_bytes - given_bytes;
}

/* Their sizes are not known, so they are not scaled and nothing is taken off a size class. */
static void add_stacks_left_out(struct builder *builder, const char *class_name)
{
    const struct dump_profile_sums *sums = &builder->dump->profile.left_out;
    struct export_sample sample = {.frames = {STACKS_LEFT_OUT_LEAF, class_name, RESIDENT_ROOT}};
    sample.values[EXPORT_INUSE] = take(&builder->inuse_left_bytes, sums->bytes);
    sample.values[EXPORT_PINNED] = take(&builder->pinned_left_bytes, sums->pinned_spans_bytes);
    add_sample(builder, sample);
}

/* Of huge and lazily freed pages no size class tells: they stay with the rest. */
static void add_by_size_class(struct builder *builder, const struct dump_class *class, const char *state,
                              bool is_objects)
{
    struct dump_sizes left = class->sizes;
    for (uint64_t i = 0; i < builder->parts_count; i++) {
        const struct part *part = &builder->parts[i];
        struct dump_sizes share = {.resident_bytes = is_objects ? part->objects_bytes : part->unused_bytes};
        left.resident_bytes -= share.resident_bytes;
        if (is_objects)
            share.resident_bytes = add_by_stack(builder, class->name, i, part->leaf, share.resident_bytes);
        add(builder, class->name, part->leaf, &share);
    }
    if (is_objects) {
        left.resident_bytes = add_by_stack(builder, class->name, builder->parts_count, state, left.resident_bytes);
        add_stacks_left_out(builder, class->name);
    }
    add(builder, class->name, state, &left);
}

/* ---- go.released ---- */

static void add_by_release(struct builder *builder, const struct dump_class *class, const char *state)
{
    struct dump_sizes left = class->sizes;
    uint64_t lazyfree_bytes = take(&left.resident_bytes, left.lazyfree_bytes);
    struct export_sample lazyfree = {.frames = {LAZYFREE_LEAF, class->name, RESIDENT_ROOT}};
    lazyfree.values[EXPORT_RESIDENT] = lazyfree_bytes;
    lazyfree.values[EXPORT_LAZYFREE] = left.lazyfree_bytes;
    lazyfree.values[EXPORT_RELEASED] = take(&left.mapped_bytes, lazyfree_bytes);
    struct export_sample filled = {.frames = {state, class->name, RESIDENT_ROOT}};
    filled.values[EXPORT_RESIDENT] = left.resident_bytes;
    filled.values[EXPORT_HUGE] = left.huge_bytes;
    filled.values[EXPORT_RELEASED] = take(&left.mapped_bytes, left.resident_bytes);
    add_sample(builder, lazyfree);
    add_sample(builder, filled);
    add_swapped(builder, class, take(&left.mapped_bytes, left.swapped_bytes));
    struct export_sample absent = {.frames = {GIVEN_BACK_LEAF, class->name, ABSENT_ROOT}};
    absent.values[EXPORT_RELEASED] = left.mapped_bytes;
    add_sample(builder, absent);
}

/* ---- by mapping ---- */

/* "/usr/lib/libc.so.6" -> "libc.so.6"; what is no path stays, like "[heap]" and "[anon:a/b]". NULL: no name. */
static const char *mapping_leaf(const char *name)
{
    const char *slash = name[0] == '/' ? strrchr(name, '/') : NULL;
    if (name[0] == '\0')
        return NULL;
    return slash != NULL && slash[1] != '\0' ? slash + 1 : name;
}

static int compare_leaves(const char *left, const char *right)
{
    return strcmp(left == NULL ? "" : left, right == NULL ? "" : right);
}

static int compare_mappings(const void *left, const void *right)
{
    return compare_leaves(((const struct mapping *)left)->leaf, ((const struct mapping *)right)->leaf);
}

static void find_mappings(struct builder *builder)
{
    for (uint64_t i = 0; i < builder->dump->maps_count; i++) {
        const struct dump_map *map = &builder->dump->maps[i];
        if ((map->sizes.resident_bytes | map->sizes.huge_bytes | map->sizes.lazyfree_bytes) != 0)
            builder->mappings[builder->mappings_count++] =
                (struct mapping){map->class_name, mapping_leaf(map->name), &map->sizes};
    }
    qsort(builder->mappings, builder->mappings_count, sizeof *builder->mappings, compare_mappings);
}

static void move(struct dump_sizes *to, struct dump_sizes *from, const struct dump_sizes *wanted)
{
    to->resident_bytes += take(&from->resident_bytes, wanted->resident_bytes);
    to->huge_bytes += take(&from->huge_bytes, wanted->huge_bytes);
    to->lazyfree_bytes += take(&from->lazyfree_bytes, wanted->lazyfree_bytes);
}

/* Mappings of one name, which follow each other, are one sample. */
static void add_by_mapping(struct builder *builder, const struct dump_class *class, const char *state)
{
    struct dump_sizes left = class->sizes, group = {0};
    const char *group_leaf = state;
    for (uint64_t i = 0; i < builder->mappings_count; i++) {
        const struct mapping *mapping = &builder->mappings[i];
        if (strcmp(mapping->class_name, class->name) != 0)
            continue;
        const char *leaf = mapping->leaf != NULL ? mapping->leaf : state;
        if (strcmp(leaf, group_leaf) != 0) {
            add(builder, class->name, group_leaf, &group);
            group = (struct dump_sizes){0};
            group_leaf = leaf;
        }
        move(&group, &left, mapping->sizes);
    }
    add(builder, class->name, group_leaf, &group);
    add(builder, class->name, NO_MAPPING_LEAF, &left);
}

/* ---- by call site ---- */

static void add_by_site(struct builder *builder, const struct dump_class *class, uint32_t index, const char *state)
{
    struct dump_sizes left = class->sizes;
    bool has_sites = false;
    for (uint64_t i = 0; i < builder->sites_count; i++) {
        const struct export_site *row = &builder->sites[i];
        if (row->class != index)
            continue;
        const char *leaf = row->purpose != NULL ? row->purpose : state;
        struct export_sample sample = {.frames = {leaf, class->name, RESIDENT_ROOT}, .site = row->site};
        sample.values[EXPORT_RESIDENT] = take(&left.resident_bytes, row->resident_bytes);
        add_sample(builder, sample);
        has_sites = true;
    }
    if (has_sites)
        add(builder, class->name, state, &left);
    else
        add_by_mapping(builder, class, state);
}

/* ---- all of it ---- */

static void add_class(struct builder *builder, uint32_t index)
{
    const struct dump_class *class = &builder->dump->rss.classes[index];
    const struct shape *shape = index < CLASS_COUNT ? &SHAPES[index] : &SHAPE_OF_LATER_VERSION;
    switch (shape->split) {
    case BY_STATE:
        add(builder, class->name, shape->state, &class->sizes);
        break;
    case BY_SIZE_CLASS:
        add_by_size_class(builder, class, shape->state, index == CLASS_GO_OBJECTS);
        break;
    case BY_RELEASE:
        add_by_release(builder, class, shape->state);
        return;
    case BY_MAPPING:
        add_by_mapping(builder, class, shape->state);
        break;
    case BY_SITE:
        add_by_site(builder, class, index, shape->state);
        break;
    }
    add_swapped(builder, class, 0);
}

/* Takes what the samples need, all at once: their number is known beforehand. */
static bool open_builder(struct builder *builder)
{
    enum { SAMPLES_OF_CLASS_MAX = 4, LEAF_ROOM_BYTES = 64, ROUNDING_BYTES = 5 * 16 };
    const struct dump *dump = builder->dump;
    uint64_t parts = dump->size_classes_count + 1;
    uint64_t owners = dump->profile.stacks_count;
    uint64_t samples = (uint64_t)dump->rss.classes_count * SAMPLES_OF_CLASS_MAX + 2 * parts + dump->maps_count +
                       owners + dump->callsites_count + 1;
    uint64_t samples_bytes = samples * sizeof *builder->out->samples;
    uint64_t parts_bytes = parts * sizeof *builder->parts;
    uint64_t owners_bytes = owners * sizeof *builder->owners;
    uint64_t mappings_bytes = dump->maps_count * sizeof *builder->mappings;
    uint64_t sites_bytes = dump->callsites_count * sizeof *builder->sites;
    struct bump *bump = &builder->out->bump;
    if (bump_open(bump, samples_bytes + parts_bytes + owners_bytes + mappings_bytes + sites_bytes +
                            parts * LEAF_ROOM_BYTES + ROUNDING_BYTES) != 0)
        return false;
    builder->capacity = samples;
    builder->out->samples = bump_take(bump, samples_bytes);
    builder->parts = bump_take(bump, parts_bytes);
    builder->owners = bump_take(bump, owners_bytes);
    builder->mappings = bump_take(bump, mappings_bytes);
    builder->sites = bump_take(bump, sites_bytes);
    return builder->out->samples != NULL && builder->parts != NULL && builder->owners != NULL &&
           builder->mappings != NULL && builder->sites != NULL;
}

bool export_samples_make(struct export_samples *samples, const struct dump *dump, struct error *error)
{
    struct builder builder = {.out = samples, .dump = dump, .os_page_bytes = dump->environment.os_page_bytes};
    *samples = (struct export_samples){0};
    if (!open_builder(&builder)) {
        export_samples_free(samples);
        return error_set(error, "there is no memory for its samples; free some or raise the limit (ulimit -v)");
    }
    share_parts(&builder);
    find_owners(&builder);
    find_mappings(&builder);
    builder.sites_count = export_sites_find(dump, builder.sites);
    for (uint32_t i = 0; i < dump->rss.classes_count; i++)
        add_class(&builder, i);
    return true;
}

void export_samples_free(struct export_samples *samples)
{
    bump_close(&samples->bump);
    *samples = (struct export_samples){0};
}

bool export_sample_trace(const struct export_sample *sample, struct stack_trace *trace, struct symbols *symbols,
                         const struct dump *dump)
{
    if (sample->stack != NULL)
        stack_trace_make(trace, symbols, dump, sample->stack);
    else if (sample->site != NULL)
        stack_trace_make_site(trace, symbols, sample->site);
    return sample->stack != NULL || sample->site != NULL;
}
