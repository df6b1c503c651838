/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing call sites. Addresses only: who reads the dump has the files that tell their names.
 */
#include "dump/document_sites.h"

#include <sys/mman.h>

#include "goruntime/purpose.h"
#include "preload/callsites.h"
#include "preload/events.h"

const char *document_call_detail(uint8_t operation, uint8_t detail)
{
    static const char *const ADVICES[] = {
#define X(id, value, name) [ADVICE_##id] = (name),
        GPW_ADVICES(X)
#undef X
    };
    static const char *const PROTECTIONS[] = {"---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx"};
    _Static_assert(PROT_READ == 1 && PROT_WRITE == 2 && PROT_EXEC == 4, "protections are indices");
    if (operation == EVENT_MADVISE)
        return detail < ADVICE_COUNT ? ADVICES[detail] : ADVICES[ADVICE_OTHER];
    return operation == EVENT_MMAP ? PROTECTIONS[detail & 7] : "";
}

const char *document_call_operation(uint8_t operation)
{
    static const char *const OPERATIONS[] = {"mmap", "munmap", "mremap", "madvise"};
    return OPERATIONS[operation & 3];
}

const char *document_caller(uint8_t by)
{
    return by == ORIGIN_GO ? "go" : "c";
}

static enum purpose_call purpose_call_of(const struct call_kind *kind)
{
    if (kind->operation != EVENT_MADVISE)
        return PURPOSE_OF_MAPPING;
    return kind->detail == ADVICE_DONTNEED || kind->detail == ADVICE_FREE ? PURPOSE_OF_RELEASE
                                                                          : PURPOSE_OF_OTHER_ADVICE;
}

/* C has its stack, and no purpose that we know, but for what another malloc maps for its heap. */
static const char *purpose_of_site(const struct document *document, uint32_t number)
{
    enum go_purpose purpose = PURPOSE_UNKNOWN;
    const struct callsite *site = &document->callsites->rows[number];
    const bool *is_malloc_site = document->snapshot->is_malloc_site;
    if (is_malloc_site != NULL && is_malloc_site[number])
        return DOCUMENT_PURPOSE_MALLOC;
    if (site->kind.by != ORIGIN_GO)
        return NULL;
    for (uint32_t i = 0; i < document->purposes_count && purpose == PURPOSE_UNKNOWN; i++)
        purpose = purpose_of(document->purposes[i], purpose_call_of(&site->kind), site->frames, site->frames_count);
    return purpose_word(purpose);
}

static uint64_t since_start_ns(const struct document *document, uint64_t ticks)
{
    ticks = ticks > document->start_ticks ? ticks - document->start_ticks : 0;
    return (uint64_t)((double)ticks * document->ns_per_tick);
}

static void write_site(struct json *json, const struct document *document, uint32_t number)
{
    const struct callsite *site = &document->callsites->rows[number];
    const uint64_t *resident_bytes = document->snapshot->site_resident_bytes;
    uint64_t bytes = atomic_load_explicit(&site->bytes, memory_order_relaxed);
    uint64_t unmapped_bytes = atomic_load_explicit(&site->unmapped_bytes, memory_order_relaxed);
    bool is_lost = number == CALLSITE_LOST;
    json_newline(json);
    json_begin_object(json, NULL);
    json_put_number(json, "id", number);
    json_put_string(json, "by", is_lost ? "lost" : document_caller(site->kind.by));
    json_put_string(json, "op", is_lost ? "" : document_call_operation(site->kind.operation));
    json_put_string(json, "detail", is_lost ? "" : document_call_detail(site->kind.operation, site->kind.detail));
    json_put_string_or_null(json, "purpose", is_lost ? NULL : purpose_of_site(document, number));
    json_put_number(json, "calls", atomic_load_explicit(&site->calls, memory_order_relaxed));
    json_put_number(json, "errors", atomic_load_explicit(&site->errors, memory_order_relaxed));
    json_put_number(json, "bytes", bytes);
    json_put_number(json, "unmapped", unmapped_bytes < bytes ? unmapped_bytes : bytes);
    json_put_number(json, "resident", resident_bytes == NULL ? 0 : resident_bytes[number]);
    json_put_number(json, "first_since_start_ns",
                    since_start_ns(document, atomic_load_explicit(&site->first_ticks, memory_order_relaxed)));
    json_put_number(json, "last_since_start_ns",
                    since_start_ns(document, atomic_load_explicit(&site->last_ticks, memory_order_relaxed)));
    json_begin_array(json, "pcs");
    for (uint32_t i = 0; i < site->frames_count; i++)
        json_put_address(json, NULL, site->frames[i]);
    json_end_array(json);
    json_end_object(json);
}

void document_write_sites(struct json *json, const struct document *document)
{
    const struct callsites *sites = document->callsites;
    uint32_t rows = sites == NULL ? 0 : callsites_count_rows(sites);
    json_begin_array(json, "callsites");
    for (uint32_t number = CALLSITE_LOST; number <= rows; number++) {
        /* Acquire: whoever sees a call sees the row that it was counted in. */
        if (atomic_load_explicit(&sites->rows[number].calls, memory_order_acquire) != 0)
            write_site(json, document, number);
    }
    json_end_array(json);
    json_newline(json);
}
