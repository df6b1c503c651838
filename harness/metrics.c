/* SPDX-License-Identifier: Apache-2.0
 *
 * Naming the numbers of a dump.
 */
#include "harness/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gopagewatch/advice.h"
#include "gopagewatch/finding.h"

#define SIZE_CLASS_PREFIX "go.sizeclass."
#define FINDING_PREFIX "findings."
#define ADVICE_PREFIX "go.advice."
#define HEAP_PREFIX "go.heaps."

struct visitor {
    bool (*visit)(void *context, const struct metric *metric);
    void *context;
    bool goes_on;
};

/* A number in a struct and what it is called there. */
struct part {
    const char *name;
    enum metric_unit unit;
    size_t offset;
};

#define PART(type, member, unit, name)     \
    {                                      \
        name, unit, offsetof(type, member) \
    }
#define PARTS_COUNT(parts) (sizeof(parts) / sizeof(parts)[0])

static const struct part DUMP_PARTS[] = {
    PART(struct dump, rss.total_bytes, METRIC_BYTES, "rss.total"),
    PART(struct dump, rss.explained_bytes, METRIC_BYTES, "rss.explained"),
    PART(struct dump, rss.swapped_bytes, METRIC_BYTES, "rss.swapped"),
    PART(struct dump, rss.peak_bytes, METRIC_BYTES, "peak.rss"),
    PART(struct dump, process.threads, METRIC_COUNT, "process.threads"),
};

static const struct part LARGE_PARTS[] = {
    PART(struct dump, large.spans, METRIC_COUNT, "go.large.spans"),
    PART(struct dump, large.object_bytes, METRIC_BYTES, "go.large.bytes"),
    PART(struct dump, large.resident_bytes, METRIC_BYTES, "go.large.resident"),
    PART(struct dump, large.untouched_bytes, METRIC_BYTES, "go.large.untouched"),
    PART(struct dump, reinflated.resident_bytes, METRIC_BYTES, "go.reinflated.resident"),
    PART(struct dump, reinflated.huge_bytes, METRIC_BYTES, "go.reinflated.huge"),
};

static const struct part CLASS_PARTS[] = {
    PART(struct dump_sizes, mapped_bytes, METRIC_BYTES, "mapped"),
    PART(struct dump_sizes, resident_bytes, METRIC_BYTES, "resident"),
    PART(struct dump_sizes, swapped_bytes, METRIC_BYTES, "swapped"),
    PART(struct dump_sizes, huge_bytes, METRIC_BYTES, "huge"),
    PART(struct dump_sizes, lazyfree_bytes, METRIC_BYTES, "lazyfree"),
};

static const struct part SIZE_CLASS_PARTS[] = {
    PART(struct dump_size_class, spans, METRIC_COUNT, "spans"),
    PART(struct dump_size_class, slots, METRIC_COUNT, "slots"),
    PART(struct dump_size_class, objects, METRIC_COUNT, "objects"),
    PART(struct dump_size_class, object_bytes, METRIC_BYTES, "bytes"),
    PART(struct dump_size_class, mapped_bytes, METRIC_BYTES, "mapped"),
    PART(struct dump_size_class, resident_bytes, METRIC_BYTES, "resident"),
    PART(struct dump_size_class, sparse_bytes, METRIC_BYTES, "sparse_bytes"),
};

static const struct part HEAP_PARTS[] = {
    PART(struct dump_heap, spans, METRIC_COUNT, "spans"),
    PART(struct dump_heap, objects, METRIC_COUNT, "objects"),
    PART(struct dump_heap, gc_cycles, METRIC_COUNT, "gc.cycle"),
    PART(struct dump_heap, goal_bytes, METRIC_BYTES, "gc.goal"),
    PART(struct dump_heap, live_bytes, METRIC_BYTES, "gc.live"),
};

static const struct part ADVICE_PARTS[] = {
    PART(struct dump_advice, calls, METRIC_COUNT, "calls"),
    PART(struct dump_advice, bytes, METRIC_BYTES, "bytes"),
    PART(struct dump_advice, errors, METRIC_COUNT, "errors"),
};

static const struct part FINDING_PARTS[] = {
    PART(struct dump_finding, bytes, METRIC_BYTES, "bytes"),
};

/* Every number of `parts` in `from`, behind what `format` makes ("rss.go.unused."). */
__attribute__((format(printf, 5, 6))) static void visit_parts(struct visitor *visitor, const struct part *parts,
                                                              size_t count, const void *from, const char *format, ...)
{
    char name[METRIC_NAME_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    size_t prefix_bytes = length < 0 ? 0 : (size_t)length < sizeof name ? (size_t)length : sizeof name - 1;
    for (size_t i = 0; i < count && visitor->goes_on; i++) {
        size_t bytes = strnlen(parts[i].name, sizeof name - prefix_bytes - 1);
        memcpy(name + prefix_bytes, parts[i].name, bytes);
        name[prefix_bytes + bytes] = '\0';
        struct metric metric = {name, parts[i].unit, *(const uint64_t *)((const char *)from + parts[i].offset)};
        visitor->goes_on = visitor->visit(visitor->context, &metric);
    }
}

#define VISIT(visitor, parts, from, ...) visit_parts(visitor, parts, PARTS_COUNT(parts), from, __VA_ARGS__)

bool metrics_has_heap(const struct dump *dump)
{
    for (uint64_t i = 0; i < dump->heaps_count; i++) {
        if (dump->heaps[i].layout == NULL)
            return false;
    }
    return dump->heaps_count > 0;
}

bool metrics_visit(const struct dump *dump, bool (*visit)(void *context, const struct metric *metric), void *context)
{
    struct visitor visitor = {visit, context, true};
    VISIT(&visitor, DUMP_PARTS, dump, "%s", "");
    for (uint32_t i = 0; i < dump->rss.classes_count; i++)
        VISIT(&visitor, CLASS_PARTS, &dump->rss.classes[i].sizes, "rss.%s.", dump->rss.classes[i].name);
    for (uint64_t i = 0; i < dump->advices_count; i++)
        VISIT(&visitor, ADVICE_PARTS, &dump->advices[i], ADVICE_PREFIX "%s.%s.", dump->advices[i].by,
              dump->advices[i].advice);
    if (!metrics_has_heap(dump))
        return visitor.goes_on;
    VISIT(&visitor, LARGE_PARTS, dump, "%s", "");
    for (uint64_t i = 0; i < dump->heaps_count; i++)
        VISIT(&visitor, HEAP_PARTS, &dump->heaps[i], HEAP_PREFIX "%" PRIu64 ".", i);
    for (uint64_t i = 0; i < dump->size_classes_count; i++)
        VISIT(&visitor, SIZE_CLASS_PARTS, &dump->size_classes[i], SIZE_CLASS_PREFIX "%" PRIu64 ".",
              dump->size_classes[i].slot_bytes);
    for (uint64_t i = 0; i < dump->findings_count; i++)
        VISIT(&visitor, FINDING_PARTS, &dump->findings[i], FINDING_PREFIX "%s.", dump->findings[i].id);
    return visitor.goes_on;
}

/* ---- what a dump does not name ---- */

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

enum metric_absence metric_absence(const char *name)
{
    if (starts_with(name, SIZE_CLASS_PREFIX) || starts_with(name, FINDING_PREFIX))
        return METRIC_ABSENT_IS_ZERO_IN_HEAP;
    return starts_with(name, ADVICE_PREFIX) ? METRIC_ABSENT_IS_ZERO : METRIC_ABSENT_IS_NOT_KNOWN;
}

/* What is left of a name. */
static bool find_part(const char *name, const struct part *parts, size_t count, enum metric_unit *unit)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, parts[i].name) == 0) {
            *unit = parts[i].unit;
            return true;
        }
    }
    return false;
}

static bool is_finding(const char *rest, enum metric_unit *unit)
{
    for (int id = 0; id < FINDING_COUNT; id++) {
        size_t bytes = strlen(finding_name(id));
        if (strncmp(rest, finding_name(id), bytes) == 0 && rest[bytes] == '.')
            return find_part(rest + bytes + 1, FINDING_PARTS, PARTS_COUNT(FINDING_PARTS), unit);
    }
    return false;
}

static bool is_size_class(const char *rest, enum metric_unit *unit)
{
    /* sizeclasses.go:class_to_size, the same from go1.17 to go1.27 */
    static const uint16_t SLOTS_BYTES[] = {
        8,     16,    24,    32,    48,    64,    80,    96,    112,   128,   144,  160,   176,   192,
        208,   224,   240,   256,   288,   320,   352,   384,   416,   448,   480,  512,   576,   640,
        704,   768,   896,   1024,  1152,  1280,  1408,  1536,  1792,  2048,  2304, 2688,  3072,  3200,
        3456,  4096,  4864,  5376,  6144,  6528,  6784,  6912,  8192,  9472,  9728, 10240, 10880, 12288,
        13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768};
    char *end;
    unsigned long slot_bytes = rest[0] >= '1' && rest[0] <= '9' ? strtoul(rest, &end, 10) : 0;
    if (slot_bytes == 0 || *end != '.')
        return false;
    for (size_t i = 0; i < sizeof SLOTS_BYTES / sizeof SLOTS_BYTES[0]; i++) {
        if (SLOTS_BYTES[i] == slot_bytes)
            return find_part(end + 1, SIZE_CLASS_PARTS, PARTS_COUNT(SIZE_CLASS_PARTS), unit);
    }
    return false;
}

/* BY.ADVICE.PART */
static bool is_advice(const char *rest, enum metric_unit *unit)
{
    static const char *const NAMES[] = {
#define X(id, value, name) [ADVICE_##id] = (name),
        GPW_ADVICES(X)
#undef X
    };
    const char *by = starts_with(rest, "go.") ? "go." : "c.";
    if (!starts_with(rest, by))
        return false;
    rest += strlen(by);
    for (int advice = ADVICE_NONE + 1; advice < ADVICE_COUNT; advice++) {
        size_t bytes = strlen(NAMES[advice]);
        if (strncmp(rest, NAMES[advice], bytes) == 0 && rest[bytes] == '.')
            return find_part(rest + bytes + 1, ADVICE_PARTS, PARTS_COUNT(ADVICE_PARTS), unit);
    }
    return false;
}

/* N.PART */
static bool is_heap(const char *rest, enum metric_unit *unit)
{
    size_t digits = strspn(rest, "0123456789");
    bool is_number = digits > 0 && (rest[0] != '0' || digits == 1);
    return is_number && rest[digits] == '.' && find_part(rest + digits + 1, HEAP_PARTS, PARTS_COUNT(HEAP_PARTS), unit);
}

bool metric_is_known(const char *name, enum metric_unit *unit)
{
    if (starts_with(name, FINDING_PREFIX))
        return is_finding(name + strlen(FINDING_PREFIX), unit);
    if (starts_with(name, SIZE_CLASS_PREFIX))
        return is_size_class(name + strlen(SIZE_CLASS_PREFIX), unit);
    if (starts_with(name, ADVICE_PREFIX))
        return is_advice(name + strlen(ADVICE_PREFIX), unit);
    if (starts_with(name, HEAP_PREFIX))
        return is_heap(name + strlen(HEAP_PREFIX), unit);
    return find_part(name, LARGE_PARTS, PARTS_COUNT(LARGE_PARTS), unit);
}
