/* SPDX-License-Identifier: Apache-2.0
 *
 * What a stack of the runtime's own functions stands for. The ranges are made up: function i of the table lies at
 * BASE + i * STEP.
 */
#include "goruntime/purpose.h"

#include <criterion/criterion.h>
#include <string.h>

enum { STEP = 0x100 };

#define BASE ((uintptr_t)0x400000)

static struct go_purposes purposes;

static void make_ranges(void)
{
    purposes.is_found = true;
    for (uintptr_t i = 0; i < PURPOSE_FUNCTIONS_MAX; i++)
        purposes.functions[i] = (struct pclntab_range){BASE + i * STEP, BASE + (i + 1) * STEP};
}

TestSuite(purpose, .init = make_ranges);

/* An address in the first function that alone on a stack has this purpose. */
static uintptr_t inside(enum purpose_call call, enum go_purpose purpose)
{
    for (uintptr_t i = 0; i < PURPOSE_FUNCTIONS_MAX; i++) {
        uintptr_t pc = BASE + i * STEP + 1;
        if (purpose_of(&purposes, call, &pc, 1) == purpose)
            return pc;
    }
    cr_assert_fail("nothing has purpose %d", purpose);
    return 0;
}

Test(purpose, every_purpose_has_a_function_and_a_word)
{
    for (int purpose = PURPOSE_FORCED; purpose < PURPOSE_COUNT; purpose++) {
        cr_expect_gt(strlen(purpose_word((enum go_purpose)purpose)), 0u);
        if (purpose != PURPOSE_HUGE_PAGES)
            inside(purpose <= PURPOSE_EAGER ? PURPOSE_OF_RELEASE : PURPOSE_OF_MAPPING, (enum go_purpose)purpose);
    }
    cr_expect_str_eq(purpose_word(PURPOSE_UNKNOWN), "other");
}

Test(purpose, innermost_function_counts)
{
    uintptr_t eager = inside(PURPOSE_OF_RELEASE, PURPOSE_EAGER), forced = inside(PURPOSE_OF_RELEASE, PURPOSE_FORCED);
    const uintptr_t stack[] = {0x10, eager, 0x20, forced, 0x30};
    cr_expect_eq(purpose_of(&purposes, PURPOSE_OF_RELEASE, stack, 5), PURPOSE_EAGER);
    cr_expect_eq(purpose_of(&purposes, PURPOSE_OF_RELEASE, stack + 2, 3), PURPOSE_FORCED);
    cr_expect_eq(purpose_of(&purposes, PURPOSE_OF_RELEASE, stack + 4, 1), PURPOSE_UNKNOWN);
}

Test(purpose, a_last_resort_counts_only_alone)
{
    uintptr_t persistent = inside(PURPOSE_OF_MAPPING, PURPOSE_PERSISTENT);
    uintptr_t bits = inside(PURPOSE_OF_MAPPING, PURPOSE_GC_BITS);
    const uintptr_t stack[] = {persistent, 0x10, bits};
    cr_expect_eq(purpose_of(&purposes, PURPOSE_OF_MAPPING, stack, 3), PURPOSE_GC_BITS);
    cr_expect_eq(purpose_of(&purposes, PURPOSE_OF_MAPPING, stack, 2), PURPOSE_PERSISTENT);
}

Test(purpose, other_advice_is_about_huge_pages)
{
    uintptr_t eager = inside(PURPOSE_OF_RELEASE, PURPOSE_EAGER);
    cr_expect_eq(purpose_of(&purposes, PURPOSE_OF_OTHER_ADVICE, &eager, 1), PURPOSE_HUGE_PAGES);
}

/* A return address behind a call that is a function's last instruction is the next one's first. */
Test(purpose, return_addresses_belong_to_the_call_before_them)
{
    uintptr_t forced = inside(PURPOSE_OF_RELEASE, PURPOSE_FORCED);
    uintptr_t start = forced - 1, end = start + STEP;
    cr_expect_eq(purpose_of(&purposes, PURPOSE_OF_RELEASE, &end, 1), PURPOSE_FORCED);
    cr_expect_neq(purpose_of(&purposes, PURPOSE_OF_RELEASE, &start, 1), PURPOSE_FORCED);
}

Test(purpose, without_a_table_nothing_is_known)
{
    struct go_purposes none = {0};
    const uintptr_t stack[] = {BASE + 1, 0, 1};
    cr_expect_eq(purpose_of(&none, PURPOSE_OF_RELEASE, stack, 3), PURPOSE_UNKNOWN);
    cr_expect_eq(purpose_of(&none, PURPOSE_OF_MAPPING, stack, 3), PURPOSE_UNKNOWN);
}
