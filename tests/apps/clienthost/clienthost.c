/* SPDX-License-Identifier: Apache-2.0
 *
 * A C program that includes gopagewatch.h and says what each function returns: "active=1 mark=0 dump=0". Where it is
 * not watched it also calls gpw_settle_await, which returns at once: "active=0 mark=-1 dump=-1 settle=0". It does so as
 * many times as its argument says; the last is printed.
 *
 * tests/e2e/client_header.c builds it in every form, with parts in one file or two:
 *   ALONE      no Go runtime; else it is linked against libcsharedlib.so and starts that first
 *   LIBRARY    only what talks to the shim, for a shared library
 *   HOST       only the rest
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void talk_to_shim(int print);

#ifndef HOST

#include "gopagewatch.h"

void talk_to_shim(int print)
{
    int active = gpw_active();
    int mark = gpw_mark("in C");
    int dump = gpw_dump("by C");
    unsigned settle = active ? 0 : gpw_settle_await(0);
    if (!print)
        return;
    printf("active=%d mark=%d dump=%d", active, mark, dump);
    if (!active)
        printf(" settle=%u", settle);
    printf("\n");
}

#endif
#ifndef LIBRARY

#ifndef ALONE
int64_t FillHeap(int64_t mebibytes);
#endif

int main(int argc, char **argv)
{
    int times = argc > 1 ? atoi(argv[1]) : 1;
#ifndef ALONE
    if (FillHeap(1) <= 0) /* returns when the Go runtime has begun */
        return 1;
#endif
    for (int i = 1; i <= times; i++)
        talk_to_shim(i == times);
    return 0;
}

#endif
