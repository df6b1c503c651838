/* SPDX-License-Identifier: Apache-2.0
 *
 * Is this module a Go program, which version, and where is its runtime.madvise?
 *
 * Allowed context: dumper, command, constructor, discovery.
 */
#ifndef GPW_GORUNTIME_RUNTIME_FIND_H
#define GPW_GORUNTIME_RUNTIME_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/buildinfo.h"
#include "goruntime/elf_image.h"
#include "goruntime/pclntab.h"

enum { ELF_WRITABLE_MAX = 4 };

struct go_runtime {
    struct go_version version;
    uintptr_t image_start, image_end;
    struct elf_segment writable[ELF_WRITABLE_MAX];
    uint32_t writable_count;
    bool has_libc; /* its threads are libc's threads; false: CGO_ENABLED=0, %fs belongs to Go */
    bool has_pclntab;
    struct pclntab pclntab;
    uintptr_t go_text_start, go_text_end; /* Go's own functions; 0: not known. C's lie in the same image */
    uintptr_t madvise_entry;              /* 0: not found, and then: */
    const char *madvise_not_found;        /* the reason, a sentence */
    uintptr_t exit_entry;                 /* of runtime.exit; 0: not found, and then: */
    const char *exit_not_found;
    uintptr_t call_mmap_start, call_mmap_end; /* runtime.callCgoMmap, which calls cgo's mmap; 0: not known */
    uint8_t build_id[ELF_BUILD_ID_BYTES];
    uint32_t build_id_bytes;
};

enum { RUNTIME_FIND_SCRATCH_BYTES = 128 * 1024 };

/* Looks for a Go runtime in the module whose ELF header lies at `base`; `path` is its file, for the section headers.
 * `scratch` holds RUNTIME_FIND_SCRATCH_BYTES, aligned to 16. False: no Go program. */
bool runtime_find(struct go_runtime *runtime, struct reader *reader, uintptr_t base, const char *path, void *scratch);

/* Is the code at `address` the whole of runtime.madvise, as every Go version from 1.17 to 1.27 has it? `code_bytes`
 * gets its length. Arch-specific: runtime_code_ARCH.c. */
bool madvise_code_matches(const uint8_t *code, uint64_t available_bytes, uint64_t *code_bytes);
/* The same for runtime.exit. */
bool exit_code_matches(const uint8_t *code, uint64_t available_bytes);

/* No function that is patched is longer; each begins at a multiple of so much. */
enum { RUNTIME_CODE_BYTES_MAX = 32, RUNTIME_CODE_ALIGN_BYTES = 32 };

#endif
