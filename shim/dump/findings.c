/* SPDX-License-Identifier: Apache-2.0
 *
 * One function for each finding. Sentences are constant: the numbers are in the evidence.
 */
#include "dump/findings.h"

#include <string.h>

#include "gopagewatch/finding.h"
#include "memory/units.h"

static void tell_number(struct finding *finding, const char *name, uint64_t number)
{
    if (finding->evidence_count < EVIDENCE_MAX)
        finding->evidence[finding->evidence_count++] = (struct evidence){name, NULL, number};
}

static void tell_text(struct finding *finding, const char *name, const char *text)
{
    if (finding->evidence_count < EVIDENCE_MAX)
        finding->evidence[finding->evidence_count++] = (struct evidence){name, text, 0};
}

static void tell_huge_page_settings(struct finding *finding, const struct environment *environment)
{
    tell_text(finding, "transparent_hugepage/enabled",
              environment->thp_enabled[0] == '\0' ? "unknown" : environment->thp_enabled);
    if (environment->knows_max_ptes_none)
        tell_number(finding, "khugepaged/max_ptes_none", environment->khugepaged_max_ptes_none);
}

static uint64_t lazyfree_bytes(const struct snapshot *snapshot)
{
    uint64_t bytes = 0;
    for (int i = 0; i < CLASS_COUNT; i++)
        bytes += snapshot->classes[i].lazyfree_bytes;
    return bytes;
}

/* Given back with MADV_DONTNEED, and there again. */
static struct finding released_resident(const struct snapshot *snapshot, const struct environment *environment,
                                        const struct shadow *shadow)
{
    const struct heap_books *heaps = &snapshot->heaps;
    struct finding finding = {.id = finding_name(FINDING_RELEASED_RESIDENT), .bytes = heaps->reinflated_resident_bytes};
    /* Without the shadow table nobody knows which pages are only freed lazily. */
    if (shadow == NULL)
        finding.bytes -= min_u64(finding.bytes, snapshot->classes[CLASS_GO_RELEASED].lazyfree_bytes);
    bool is_huge = heaps->reinflated_huge_bytes * 2 >= finding.bytes;
    tell_number(&finding, "huge_bytes", heaps->reinflated_huge_bytes);
    tell_huge_page_settings(&finding, environment);
    if (shadow != NULL && heaps->reinflated_count != 0)
        tell_number(&finding, "largest_range_released_count",
                    shadow_look_up(shadow, heaps->reinflated[0].start).released_count);
    if (is_huge) {
        finding.text = "Go gave this memory back, but the kernel has put huge pages there again: it is resident and "
                       "holds nothing.";
        finding.advice = strcmp(environment->thp_enabled, "always") == 0
                             ? "Set /sys/kernel/mm/transparent_hugepage/enabled to madvise, or "
                               "khugepaged/max_ptes_none to 0; for this program alone run it with "
                               "GODEBUG=disablethp=1 (go1.21.6 on)."
                             : "Look for MADV_HUGEPAGE or MADV_COLLAPSE on the heap (in C code, in a tool); for this "
                               "program alone run it with GODEBUG=disablethp=1 (go1.21.6 on).";
    } else {
        finding.text = "Go gave this memory back, but something has touched it since: it is resident and holds "
                       "nothing.";
        finding.advice = "Look for C code that reads or writes freed Go memory, and for tools that fault pages in "
                         "(mlockall, MADV_POPULATE, a checkpoint).";
    }
    return finding;
}

static struct finding free_resident(const struct snapshot *snapshot)
{
    const struct class_sizes *sizes = &snapshot->classes[CLASS_GO_FREE];
    struct finding finding = {.id = finding_name(FINDING_FREE_RESIDENT), .bytes = sizes->resident_bytes};
    tell_number(&finding, "mapped_bytes", sizes->mapped_bytes);
    tell_number(&finding, "huge_bytes", sizes->huge_bytes);
    finding.text = "The Go heap keeps this memory free and resident, for its next growth.";
    finding.advice = "debug.FreeOSMemory returns it at once. The scavenger keeps about 10 % above the heap goal; a "
                     "GOMEMLIMIT makes it give back more, a lower GOGC makes the goal lower.";
    return finding;
}

static struct finding sparse_spans(const struct snapshot *snapshot)
{
    const struct size_class *rows = snapshot->heaps.size_classes;
    struct finding finding = {.id = finding_name(FINDING_SPARSE_SPANS)};
    uint64_t worst = 0, spans = 0;
    for (uint64_t i = 0; i < SIZE_CLASS_ROWS; i++) {
        finding.bytes += rows[i].sparse_resident_bytes;
        spans += rows[i].sparse_resident_bytes == 0 ? 0 : rows[i].spans;
        if (rows[i].sparse_resident_bytes > rows[worst].sparse_resident_bytes)
            worst = i;
    }
    tell_number(&finding, "worst_slot_bytes", worst * SLOT_BYTES_STEP);
    tell_number(&finding, "worst_sparse_bytes", rows[worst].sparse_resident_bytes);
    tell_number(&finding, "worst_objects", rows[worst].objects);
    tell_number(&finding, "worst_slots", rows[worst].slots);
    tell_number(&finding, "spans_of_these_classes", spans);
    finding.text = "These spans are less than a quarter full: a few live objects keep whole pages resident.";
    finding.advice = "Find what outlives its neighbours (long-lived small objects allocated between short-lived ones); "
                     "copy survivors together, or allocate them apart.";
    return finding;
}

static struct finding untouched(const struct snapshot *snapshot)
{
    const struct heap_books *heaps = &snapshot->heaps;
    struct finding finding = {.id = finding_name(FINDING_UNTOUCHED), .bytes = heaps->untouched_bytes};
    tell_number(&finding, "large_objects_bytes", heaps->large.untouched_bytes);
    finding.text =
        "The Go heap counts this memory as in use, but nobody has ever touched it: it is in HeapInuse and not "
        "in the RSS.";
    finding.advice =
        "Not a cost yet. Look for buffers that are made larger than what is written to them: they grow into "
        "the RSS, and they make the garbage collector's goal higher.";
    return finding;
}

static struct finding lazyfree(const struct snapshot *snapshot)
{
    struct finding finding = {.id = finding_name(FINDING_LAZYFREE), .bytes = lazyfree_bytes(snapshot)};
    tell_number(&finding, "go_released_bytes", snapshot->classes[CLASS_GO_RELEASED].lazyfree_bytes);
    finding.text =
        "This memory was given back with MADV_FREE: the kernel takes it when it needs it, until then it counts "
        "as resident.";
    finding.advice = "No leak. To see it go at once remove madvdontneed=0 from GODEBUG (Go uses MADV_DONTNEED by "
                     "default).";
    return finding;
}

/* What is resident only because the page around it is larger than what Go gives out and takes back. */
static struct finding large_pages(const struct snapshot *snapshot, const struct environment *environment)
{
    const struct class_sizes *classes = snapshot->classes;
    struct finding finding = {.id = finding_name(FINDING_LARGE_PAGES), .bytes = snapshot->heaps.idle_in_huge_bytes};
    tell_number(&finding, "heap_in_huge_pages_bytes",
                classes[CLASS_GO_OBJECTS].huge_bytes + classes[CLASS_GO_UNUSED].huge_bytes +
                    classes[CLASS_GO_STACKS].huge_bytes + classes[CLASS_GO_FREE].huge_bytes);
    tell_huge_page_settings(&finding, environment);
    finding.text = "Pages of the Go heap without any object are resident because they share huge pages with pages that "
                   "hold some.";
    finding.advice = "Worth it where the program gains by huge pages; else set "
                     "/sys/kernel/mm/transparent_hugepage/enabled to madvise or run with GODEBUG=disablethp=1 "
                     "(go1.21.6 on).";
    return finding;
}

static struct finding c_heap_free(const struct snapshot *snapshot)
{
    const struct class_sizes *sizes = &snapshot->classes[CLASS_C_HEAP_FREE];
    struct finding finding = {.id = finding_name(FINDING_C_HEAP_FREE), .bytes = sizes->resident_bytes};
    tell_number(&finding, "c_heap_used_bytes", snapshot->classes[CLASS_C_HEAP_USED].resident_bytes);
    tell_number(&finding, "huge_bytes", sizes->huge_bytes);
    if (snapshot->other_malloc_resident_bytes > sizes->resident_bytes) {
        tell_number(&finding, "other_malloc_resident_bytes", snapshot->other_malloc_resident_bytes);
        finding.text = "The C code has freed this memory and its malloc keeps it, resident, for its next allocations: "
                       "what is resident of its mappings and not allocated, as it says itself.";
        finding.advice = "jemalloc gives free pages back after dirty_decay_ms and muzzy_decay_ms (MALLOC_CONF) or at "
                         "arena.<i>.purge, tcmalloc at MallocExtension_ReleaseFreeMemory() or faster with a higher "
                         "TCMALLOC_RELEASE_RATE; the rest shares pages with live blocks.";
        return finding;
    }
    tell_number(&finding, "whole_pages_bytes", snapshot->malloc.idle_resident_bytes);
    tell_number(&finding, "heaps", snapshot->malloc.walked);
    finding.text = "The C code has freed this memory and glibc's malloc keeps it, resident, for its next allocations.";
    finding.advice = "malloc_trim(0) called from C after large frees returns what lies on whole pages; the rest shares "
                     "pages with live blocks. MALLOC_ARENA_MAX=2 makes fewer heaps.";
    return finding;
}

static void add(struct findings *findings, const struct snapshot *snapshot, const struct finding *finding)
{
    if (finding->bytes < FINDING_BYTES_MIN ||
        finding->bytes < snapshot->resident.status.resident_bytes / FINDING_RSS_PART || findings->count == FINDINGS_MAX)
        return;
    uint32_t at = findings->count++;
    for (; at > 0 && findings->findings[at - 1].bytes < finding->bytes; at--)
        findings->findings[at] = findings->findings[at - 1];
    findings->findings[at] = *finding;
}

void findings_make(struct findings *findings, const struct snapshot *snapshot, const struct environment *environment,
                   const struct shadow *shadow)
{
    const struct finding all[] = {
        released_resident(snapshot, environment, shadow),
        free_resident(snapshot),
        sparse_spans(snapshot),
        untouched(snapshot),
        lazyfree(snapshot),
        large_pages(snapshot, environment),
        c_heap_free(snapshot),
    };
    *findings = (struct findings){0};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        add(findings, snapshot, &all[i]);
}
