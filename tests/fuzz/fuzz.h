/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets share: the entry point that libFuzzer calls and the check that ends a run.
 *
 * A target is one file. Its first comment names the sources that it is built with, all together by
 * clang -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -D_GNU_SOURCE -Ishim -Iinclude -I.
 */
#ifndef GPW_TESTS_FUZZ_H
#define GPW_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* What must hold whatever the input is. */
#define MUST(claim) ((claim) ? (void)0 : abort())

/* Takes `count` bytes off the front of an input; zeros where it has no more. */
struct input {
    const uint8_t *at;
    size_t left;
};

static inline uint64_t input_take(struct input *input, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count && input->left > 0; i++, input->left--)
        value |= (uint64_t)*input->at++ << 8 * i;
    return value;
}

#endif
