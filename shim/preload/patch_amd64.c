/* SPDX-License-Identifier: Apache-2.0
 *
 * The text patch on amd64.
 *
 *   runtime.madvise (32-byte aligned)                  trampoline page, within 2 GiB of it
 *   +0  48 8b 7c 24 08  mov 8(%rsp),%rdi               +0  ff 25 00 00 00 00  jmp *0(%rip)
 *   becomes                                            +6  address of gpw_madvise_stub, in libgopagewatch.so
 *   +0  e9 rel32        jmp trampoline
 *   +5  48 8b 74 24 10  (unchanged: a thread that is already behind the first instruction runs the original)
 *
 * runtime.exit is patched likewise. Its first instruction has four bytes, so the jump reaches into the second; nobody
 * is between them, for this is done before the runtime begins.
 *
 * The five bytes change with one aligned 8-byte store: a thread fetches the old or the new instruction. The page stays
 * executable while it is writable, since other threads may run in it.
 */
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "memory/raw.h"
#include "memory/units.h"
#include "preload/patch.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum {
    OPCODE_JMP_REL32 = 0xe9,
    JMP_REL32_BYTES = 5,
    OPCODE_INT3 = 0xcc,
    PAGE_BYTES = 4096,
    STEP_BYTES = 64 << 10,
    ATTEMPTS = 4096,
    LOWEST_ADDRESS = 64 << 10, /* vm.mmap_min_addr; page 0 is never asked for */
};

#define REACH_BYTES ((uint64_t)0x7fff0000)

extern void gpw_madvise_stub(void);
extern void gpw_exit_stub(void);

/* Below the image nothing grows (above it the heap does): the first free place downwards. 0: none. */
static uintptr_t map_near(uintptr_t image_start, uintptr_t text)
{
    uintptr_t at = align_down(image_start, STEP_BYTES);
    for (int i = 0; i < ATTEMPTS && at >= LOWEST_ADDRESS + STEP_BYTES; i++) {
        at -= STEP_BYTES;
        if (text - at > REACH_BYTES)
            return 0;
        long got = raw_mmap((void *)at, PAGE_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (got == (long)at)
            return at;
        if (!raw_failed(got)) /* a kernel before 4.17 took the address for a hint */
            raw_munmap((void *)got, PAGE_BYTES);
    }
    return 0;
}

static bool write_trampoline(uintptr_t page, void (*stub)(void))
{
    static const uint8_t JMP_INDIRECT[] = {0xff, 0x25, 0x00, 0x00, 0x00, 0x00};
    uint64_t target = (uint64_t)(uintptr_t)stub;
    memset((void *)page, OPCODE_INT3, PAGE_BYTES);
    memcpy((void *)page, JMP_INDIRECT, sizeof JMP_INDIRECT);
    memcpy((void *)(page + sizeof JMP_INDIRECT), &target, sizeof target);
    return !raw_failed(raw_mprotect((void *)page, PAGE_BYTES, PROT_READ | PROT_EXEC));
}

static bool write_jump(uintptr_t entry, uintptr_t trampoline)
{
    void *text_page = (void *)align_down(entry, PAGE_BYTES);
    if (raw_failed(raw_mprotect(text_page, PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC)))
        return false;
    uint64_t word;
    memcpy(&word, (void *)entry, sizeof word);
    uint32_t distance = (uint32_t)(trampoline - (entry + JMP_REL32_BYTES));
    uint8_t *bytes = (uint8_t *)&word;
    bytes[0] = OPCODE_JMP_REL32;
    memcpy(bytes + 1, &distance, sizeof distance);
    __atomic_store_n((uint64_t *)entry, word, __ATOMIC_RELEASE);
    raw_mprotect(text_page, PAGE_BYTES, PROT_READ | PROT_EXEC);
    return true;
}

static const char *patch(const struct go_runtime *runtime, uintptr_t entry, void (*stub)(void), uintptr_t *trampoline)
{
    uintptr_t page = map_near(runtime->image_start, entry);
    if (page == 0)
        return "no free page within 2 GiB of the Go runtime's text";
    if (!write_trampoline(page, stub)) {
        raw_munmap((void *)page, PAGE_BYTES);
        return "this system allows no new executable memory (SELinux execmem, MemoryDenyWriteExecute)";
    }
    if (!write_jump(entry, page)) {
        raw_munmap((void *)page, PAGE_BYTES);
        return "the text of the program cannot be made writable (SELinux execmod, MemoryDenyWriteExecute)";
    }
    *trampoline = page;
    return NULL;
}

const char *patch_madvise(const struct go_runtime *runtime, uintptr_t *trampoline)
{
    if (runtime->madvise_entry == 0)
        return runtime->madvise_not_found;
    return patch(runtime, runtime->madvise_entry, gpw_madvise_stub, trampoline);
}

const char *patch_exit(const struct go_runtime *runtime, uintptr_t *trampoline)
{
    if (runtime->exit_entry == 0)
        return runtime->exit_not_found;
    return patch(runtime, runtime->exit_entry, gpw_exit_stub, trampoline);
}
