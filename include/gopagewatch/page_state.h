/* SPDX-License-Identifier: Apache-2.0
 *
 * The letters of a page string: the state of each 8 KiB Go page of an arena, upper case where any OS page of it is
 * resident, run-length coded ("O512F3r1020").
 */
#ifndef GOPAGEWATCH_PAGE_STATE_H
#define GOPAGEWATCH_PAGE_STATE_H

/* X(identifier, letter, meaning) */
#define GPW_PAGE_STATES(X)                                      \
    X(OBJECT, 'o', "holds an object")                           \
    X(UNUSED, 'u', "in an in-use span, no object on this page") \
    X(STACK, 's', "goroutine stack")                            \
    X(FREE, 'f', "free")                                        \
    X(RELEASED, 'r', "released to the OS")                      \
    X(RESERVED, 'x', "reserved, not in use yet")                \
    X(METADATA, 'm', "the runtime's own: GC work buffers")      \
    X(HEAP, 'h', "in use or kept by Go, no span known")

enum page_state {
#define X(id, letter, meaning) PAGE_STATE_##id = (letter),
    GPW_PAGE_STATES(X)
#undef X
};

#endif
