/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of packages, variables and types, as people write them and as symbols have them: in these the last part of a
 * package's path has its dots (and other bytes) as %xx.
 */
#ifndef GPW_HARNESS_GO_VARIABLE_NAME_H
#define GPW_HARNESS_GO_VARIABLE_NAME_H

#include <stdbool.h>
#include <stdint.h>

enum { GO_NAME_BYTES = 512 };

/* A name as people write it. Cut where it does not fit, and what cannot be printed is '?'. */
void go_name_plain(char plain[GO_NAME_BYTES], const char *name);

/* The end of `path` behind one of its slashes, or all of it, that `text` begins with and that is followed by the end or
 * by a byte of `followers`. Its length, or 0. `is_whole`: it was all of it. */
uint64_t go_name_begins(const char *text, const char *path, const char *followers, bool *is_whole);

/* A type's name without what may be written in several ways: spaces, interface {}, %xx. */
void go_name_type(char canonical[GO_NAME_BYTES], const char *type_name);
/* "a" or "an", as the name begins. */
const char *go_name_article(const char *name);
/* Of such a name, the one with only the last part of each package path. */
void go_name_type_short(char shortened[GO_NAME_BYTES], const char *canonical);

/* The name nearest to a wrong one, of those that were offered: the longer it is, the more may be wrong. */
struct go_name_nearest {
    const char *wrong;
    char name[GO_NAME_BYTES]; /* "": none is near */
    uint64_t distance;
};

/* What is very long is near to nothing. */
void go_name_offer(struct go_name_nearest *nearest, const char *name);

#endif
