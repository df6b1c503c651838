/* SPDX-License-Identifier: Apache-2.0
 *
 * A row for each stack and size, those with the most bytes first; the frames are read only now, of the rows that are
 * written.
 */
#include "dump/document_profile.h"

#include <stddef.h>

#include "dump/profile_join.h"
#include "memory/units.h"

static void write_sums(struct json *json, const struct profile_stack *sums)
{
    json_put_number(json, "objects", sums->objects);
    json_put_number(json, "bytes", sums->bytes);
    json_put_number(json, "resident", sums->resident_bytes);
    json_put_number(json, "pinned_pages", sums->pinned_pages_bytes);
    json_put_number(json, "pinned_spans", sums->pinned_spans_bytes);
    json_put_number(json, "alone_on_page", sums->alone_on_page);
    json_put_number(json, "alone_in_span", sums->alone_in_span);
    json_put_number(json, "alone_spans", sums->alone_spans_bytes);
}

static void write_stack(struct json *json, const struct heap_profile *profile, const struct profile_stack *stack)
{
    uint64_t frames[PROFILE_FRAMES_MAX];
    uint32_t count = heap_profile_read_frames(profile, stack, frames);
    json_newline(json);
    json_begin_object(json, NULL);
    json_begin_array(json, "pcs");
    for (uint32_t i = 0; i < count; i++)
        json_put_address(json, NULL, frames[i]);
    json_end_array(json);
    json_put_number(json, "size", stack->object_bytes);
    write_sums(json, stack);
    json_end_object(json);
}

/* The rows of one heap, whose rest is added to the sum of all. */
static void write_stacks(struct json *json, const struct heap_profile *profile, struct bump *bump,
                         struct profile_rest *rest)
{
    uint32_t *order = bump_take(bump, profile->stacks_count * sizeof *order);
    uint32_t kept_max = order == NULL ? 0 : PROFILE_ROWS_MAX;
    uint32_t count = order == NULL ? 0 : profile_rank(profile, kept_max, order, rest);
    for (uint32_t i = 0; i < count && i < kept_max; i++)
        write_stack(json, profile, &profile->stacks[order[i]]);
}

/* The one rate of all heaps that have a profile; false: it is not known, or there are several. */
static bool find_rate(const struct heap_books *heaps, uint64_t *rate)
{
    bool has_rate = false;
    for (uint32_t i = 0; i < heaps->count; i++) {
        uint64_t found;
        if (heaps->books[i].walk.profile.stacks_count == 0)
            continue;
        if (!heap_profile_read_rate(heaps->books[i].heap, &found) || (has_rate && found != *rate))
            return false;
        *rate = found;
        has_rate = true;
    }
    return has_rate && *rate != 0;
}

static bool has_profile(const struct heap_books *heaps)
{
    for (uint32_t i = 0; i < heaps->count; i++) {
        if (heaps->books[i].walk.profile.stacks_count != 0)
            return true;
    }
    return false;
}

void document_write_profile(struct json *json, const struct heap_books *heaps, struct bump *bump)
{
    struct profile_rest rest = {0};
    uint64_t rate = 0, untrusted = 0;
    if (!has_profile(heaps)) {
        json_put_null(json, "profile");
        return;
    }
    json_begin_object(json, "profile");
    bool has_rate = find_rate(heaps, &rate);
    json_put_number_or_null(json, "rate", has_rate, rate);
    json_begin_array(json, "stacks");
    for (uint32_t i = 0; i < heaps->count; i++) {
        const struct heap_profile *profile = &heaps->books[i].walk.profile;
        untrusted += profile->untrusted;
        if (profile->stacks_count != 0)
            write_stacks(json, profile, bump, &rest);
    }
    json_end_array(json);
    json_newline(json);
    json_begin_object(json, "left_out");
    json_put_number(json, "stacks", rest.stacks);
    write_sums(json, &rest.sums);
    json_end_object(json);
    json_put_number(json, "untrusted", untrusted);
    json_end_object(json);
    json_newline(json);
}
