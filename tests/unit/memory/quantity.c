/* SPDX-License-Identifier: Apache-2.0
 *
 * Times and sizes as they are typed.
 */
#include "memory/quantity.h"

#include <criterion/criterion.h>

static const struct {
    const char *text;
    uint64_t value; /* 0: refused */
} TIMES[] =
    {
        {"500ms", 500000000},
        {"30s", 30000000000},
        {"5m", 300000000000},
        {"2h", 7200000000000},
        {"5", 0},
        {"s", 0},
        {"", 0},
        {"1.5s", 0},
        {"-1s", 0},
        {"5 s", 0},
        {"5sec", 0},
        {"18446744073709551615s", 0},
        {"18446744073709551616ms", 0},
},
  SIZES[] = {
      {"4096", 4096},
      {"4096B", 4096},
      {"1KiB", 1024},
      {"512MiB", 536870912},
      {"2GiB", 2147483648u},
      {"2G", 2147483648u},
      {"1MB", 1000000},
      {"3GB", 3000000000u},
      {"2gib", 0},
      {"MiB", 0},
      {"", 0},
      {"-1", 0},
      {"0x10", 0},
      {"17179869184GiB", 0},
};

Test(quantity, times_have_a_unit)
{
    for (unsigned i = 0; i < sizeof TIMES / sizeof TIMES[0]; i++) {
        uint64_t ns = 0;
        cr_expect_eq(quantity_time_ns(TIMES[i].text, &ns), TIMES[i].value != 0, "\"%s\"", TIMES[i].text);
        cr_expect_eq(ns, TIMES[i].value, "\"%s\"", TIMES[i].text);
    }
}

Test(quantity, sizes_may_have_one)
{
    for (unsigned i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        uint64_t bytes = 0;
        cr_expect_eq(quantity_size_bytes(SIZES[i].text, &bytes), SIZES[i].value != 0, "\"%s\"", SIZES[i].text);
        cr_expect_eq(bytes, SIZES[i].value, "\"%s\"", SIZES[i].text);
    }
}
