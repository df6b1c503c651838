/* SPDX-License-Identifier: Apache-2.0
 *
 * The Go version that a binary carries (debug/buildinfo; kept by strip, -s -w and PIE).
 *
 * Allowed context: dumper, command, constructor, discovery.
 */
#ifndef GPW_GORUNTIME_BUILDINFO_H
#define GPW_GORUNTIME_BUILDINFO_H

#include <stdbool.h>

#include "goruntime/elf_image.h"

enum { GO_VERSION_TEXT_BYTES = 96 };

struct go_version {
    unsigned minor;                   /* N of go1.N; 0: not known */
    char text[GO_VERSION_TEXT_BYTES]; /* "go1.26.10", or "" */
    bool is_race;                     /* built with -race (go1.18 on: earlier ones do not say) */
};

/* Finds .go.buildinfo by its section, else at the front of a writable segment, and reads the version from it. True when
 * build information was found: the image is a Go program, even if the version in it cannot be understood. */
bool buildinfo_read(const struct elf_image *image, struct go_version *version);

/* "go1.26.10 X:exp" -> 26, "devel go1.27-abc" -> 27, anything else -> 0. */
unsigned go_version_minor(const char *text);

#endif
