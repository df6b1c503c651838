/* SPDX-License-Identifier: Apache-2.0
 *
 * The text patch, on a private copy of the function: the bytes before and after, the trampoline, the protections, and
 * the reasons why not.
 */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "memory/vma.h"
#include "preload/patch.h"
#include "tests/unit/support/abi0_call.h"
#include "tests/unit/support/watching.h"

extern void gpw_madvise_stub(void);

enum { PAGE_BYTES = 4096, ENTRY = 0x7c0, STACK_BYTES = 512 };

static const uint8_t GO_1_17[] = {0x48, 0x8b, 0x7c, 0x24, 0x08, 0x48, 0x8b, 0x74, 0x24, 0x10, 0x8b, 0x54, 0x24, 0x18,
                                  0x48, 0xc7, 0xc0, 0x1c, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x89, 0x44, 0x24, 0x20, 0xc3};
static const uint8_t GO_1_27[] = {0x48, 0x8b, 0x7c, 0x24, 0x08, 0x48, 0x8b, 0x74, 0x24, 0x10, 0x8b, 0x54, 0x24,
                                  0x18, 0xb8, 0x1c, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x89, 0x44, 0x24, 0x20, 0xc3};

/* A page of text with the function in it, as the loader maps it. */
static uint8_t *make_text(const uint8_t *code, uint64_t bytes)
{
    uint8_t *text = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(text, MAP_FAILED);
    memset(text, 0xcc, PAGE_BYTES);
    memcpy(text + ENTRY, code, bytes);
    cr_assert_eq(mprotect(text, PAGE_BYTES, PROT_READ | PROT_EXEC), 0);
    return text;
}

static struct go_runtime runtime_at(const uint8_t *text)
{
    return (struct go_runtime){.image_start = (uintptr_t)text, .madvise_entry = (uintptr_t)text + ENTRY};
}

/* "r-xp" of the mapping that holds `address`. */
static bool is_readable_and_executable_only(uintptr_t address)
{
    struct bump bump;
    struct vma_list list;
    bool is_so = false;
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    cr_assert_eq(vma_list_read(&list, "/proc/self/maps", &bump), 0);
    for (uint64_t i = 0; i < list.count; i++) {
        const struct vma *vma = &list.vmas[i];
        if (address >= vma->start && address < vma->end)
            is_so = vma->is_readable && vma->is_executable && !vma->is_writable;
    }
    bump_close(&bump);
    return is_so;
}

static void check_patch(const uint8_t *code, uint64_t bytes)
{
    uint8_t expected[PAGE_BYTES];
    uint8_t *text = make_text(code, bytes);
    struct go_runtime runtime = runtime_at(text);
    uintptr_t trampoline = 0;
    memcpy(expected, text, PAGE_BYTES);
    cr_assert_null(patch_madvise(&runtime, &trampoline));
    cr_assert_neq(trampoline, 0);

    int64_t distance = (int64_t)(trampoline - ((uintptr_t)text + ENTRY + 5));
    cr_assert_eq(distance, (int32_t)distance, "within reach");
    int32_t rel32 = (int32_t)distance;
    expected[ENTRY] = 0xe9;
    memcpy(expected + ENTRY + 1, &rel32, sizeof rel32);
    cr_expect_arr_eq(text, expected, PAGE_BYTES, "five bytes change and no more");
    cr_expect(is_readable_and_executable_only((uintptr_t)text));

    uint8_t jump[PAGE_BYTES];
    memset(jump, 0xcc, sizeof jump);
    memcpy(jump, "\xff\x25\x00\x00\x00\x00", 6);
    uint64_t target = (uint64_t)(uintptr_t)gpw_madvise_stub;
    memcpy(jump + 6, &target, sizeof target);
    cr_expect_arr_eq((const uint8_t *)trampoline, jump, PAGE_BYTES);
    cr_expect(is_readable_and_executable_only(trampoline));
}

Test(patch, replaces_the_first_instruction_of_every_known_release)
{
    check_patch(GO_1_17, sizeof GO_1_17);
    check_patch(GO_1_27, sizeof GO_1_27);
}

static int32_t call_at(uintptr_t entry, void *address, uint64_t bytes, int32_t advice)
{
    static _Alignas(16) uint8_t stack[STACK_BYTES];
    struct abi0_registers registers = {0};
    struct abi0_frame frame = {(uintptr_t)address, bytes, advice, 0, 0x5555, 0};
    abi0_call((void *)entry, &frame, &registers, stack + STACK_BYTES);
    return frame.result;
}

Test(patch, the_patched_function_works_and_is_seen, .init = watching_begin)
{
    uint8_t *text = make_text(GO_1_17, sizeof GO_1_17);
    struct go_runtime runtime = runtime_at(text);
    uintptr_t trampoline;
    uint8_t *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *page = 1;
    cr_assert_eq(call_at(runtime.madvise_entry, page, PAGE_BYTES, MADV_DONTNEED), 0);
    cr_expect_eq(*page, 0, "the copy works as it is");
    cr_expect_eq(atomic_load(&gpw_shim.events.next), 0);
    *page = 1;
    cr_assert_null(patch_madvise(&runtime, &trampoline));
    cr_assert_eq(call_at(runtime.madvise_entry, page, PAGE_BYTES, MADV_DONTNEED), 0);
    cr_expect_eq(*page, 0);
    cr_expect_eq(atomic_load(&gpw_shim.events.next), 1);
    cr_expect_eq(watching_last_event().start, (uintptr_t)page);
    /* A thread that was behind the first instruction goes on in the original. */
    cr_expect_arr_eq(text + ENTRY + 5, GO_1_17 + 5, sizeof GO_1_17 - 5);
}

Test(patch, passes_over_addresses_that_are_taken)
{
    enum { TAKEN = 5, STEP_BYTES = 64 << 10 };
    uint8_t *text = make_text(GO_1_17, sizeof GO_1_17);
    struct go_runtime runtime = runtime_at(text);
    uintptr_t first = 0, second = 0;
    cr_assert_null(patch_madvise(&runtime, &first));
    uint8_t *other_text = make_text(GO_1_17, sizeof GO_1_17);
    struct go_runtime other = runtime_at(other_text);
    other.image_start = first + STEP_BYTES; /* as if both began there: the first place is taken */
    cr_assert_null(patch_madvise(&other, &second));
    cr_expect_lt(second, first);
    cr_expect_eq(((const uint8_t *)first)[0], 0xff, "the first trampoline stands");
}

static void expect_refused(const struct go_runtime *runtime, const uint8_t *text, const char *part)
{
    uint8_t before[PAGE_BYTES];
    uintptr_t trampoline = 0x1234;
    memcpy(before, text, PAGE_BYTES);
    const char *reason = patch_madvise(runtime, &trampoline);
    cr_assert_not_null(reason);
    cr_expect_not_null(strstr(reason, part), "%s", reason);
    cr_expect_arr_eq(text, before, PAGE_BYTES, "nothing was changed");
    cr_expect_eq(trampoline, 0x1234);
}

Test(patch, says_why_not)
{
    uint8_t *text = make_text(GO_1_17, sizeof GO_1_17);
    struct go_runtime runtime = runtime_at(text);
    runtime.madvise_entry = 0;
    runtime.madvise_not_found = "the reason that was found before";
    expect_refused(&runtime, text, "the reason that was found before");

    static const uintptr_t STARTS[] = {0, PAGE_BYTES, 64 << 10, 127 << 10};
    for (unsigned i = 0; i < sizeof STARTS / sizeof STARTS[0]; i++) {
        runtime = runtime_at(text);
        runtime.image_start = STARTS[i];
        expect_refused(&runtime, text, "no free page within 2 GiB");
    }
    runtime = runtime_at(text);
    runtime.image_start -= 2ull << 30;
    expect_refused(&runtime, text, "no free page within 2 GiB");
}

/* Shared text of a file opened for reading cannot be made writable. */
Test(patch, text_that_cannot_be_written_is_left_alone)
{
    FILE *file = fopen("/proc/self/exe", "r");
    cr_assert_not_null(file);
    uint8_t *text = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, fileno(file), 0);
    cr_assert_neq(text, MAP_FAILED);
    struct go_runtime runtime = runtime_at(text);
    expect_refused(&runtime, text, "cannot be made writable");
    fclose(file);
}
