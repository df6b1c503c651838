/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of the functions that are patched: as each Go release has them, and every way of being almost like them.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "goruntime/runtime_find.h"

/* objdump of go1.17 to go1.26 and of go1.27 */
static const char *const GOLDENS[] = {
    "48 8b 7c 24 08 48 8b 74 24 10 8b 54 24 18 48 c7 c0 1c 00 00 00 0f 05 89 44 24 20 c3",
    "48 8b 7c 24 08 48 8b 74 24 10 8b 54 24 18 b8 1c 00 00 00 0f 05 89 44 24 20 c3",
};

static uint64_t parse(const char *text, uint8_t code[RUNTIME_CODE_BYTES_MAX])
{
    uint64_t bytes = 0;
    memset(code, 0xcc, RUNTIME_CODE_BYTES_MAX);
    for (; *text != '\0'; text += text[2] == '\0' ? 2 : 3) {
        unsigned value;
        cr_assert_eq(sscanf(text, "%2x", &value), 1);
        code[bytes++] = (uint8_t)value;
    }
    return bytes;
}

Test(madvise_code, matches_every_known_release)
{
    for (unsigned i = 0; i < sizeof GOLDENS / sizeof GOLDENS[0]; i++) {
        uint8_t code[RUNTIME_CODE_BYTES_MAX];
        uint64_t bytes = parse(GOLDENS[i], code), code_bytes = 0;
        cr_expect(madvise_code_matches(code, sizeof code, &code_bytes));
        cr_expect_eq(code_bytes, bytes);
        cr_expect(madvise_code_matches(code, bytes, &code_bytes));
        cr_expect_not(madvise_code_matches(code, bytes - 1, &code_bytes), "a part is not the whole");
        cr_expect_not(madvise_code_matches(code, 0, &code_bytes));
    }
}

Test(madvise_code, one_bit_off_is_another_function)
{
    for (unsigned i = 0; i < sizeof GOLDENS / sizeof GOLDENS[0]; i++) {
        uint8_t code[RUNTIME_CODE_BYTES_MAX];
        uint64_t bytes = parse(GOLDENS[i], code), code_bytes;
        for (uint64_t bit = 0; bit < 8 * bytes; bit++) {
            code[bit / 8] ^= (uint8_t)(1 << bit % 8);
            cr_expect_not(madvise_code_matches(code, sizeof code, &code_bytes), "variant %u, bit %lu", i, bit);
            code[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

Test(madvise_code, what_is_patched_already_does_not_match)
{
    uint8_t code[RUNTIME_CODE_BYTES_MAX];
    uint64_t code_bytes;
    parse(GOLDENS[0], code);
    memcpy(code, "\xe9\x00\x00\x01\x00", 5);
    cr_expect_not(madvise_code_matches(code, sizeof code, &code_bytes));
}

Test(exit_code, matches_the_whole_function_and_nothing_else)
{
    static const char GOLDEN[] = "8b 7c 24 08 b8 e7 00 00 00 0f 05 c3"; /* objdump of go1.17 to go1.27 */
    uint8_t code[RUNTIME_CODE_BYTES_MAX];
    uint64_t bytes = parse(GOLDEN, code);
    cr_expect(exit_code_matches(code, bytes));
    cr_expect_not(exit_code_matches(code, bytes - 1), "a part is not the whole");
    for (uint64_t bit = 0; bit < 8 * bytes; bit++) {
        parse(GOLDEN, code);
        code[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect_not(exit_code_matches(code, sizeof code), "bit %lu", bit);
    }
}
