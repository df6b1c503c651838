/* SPDX-License-Identifier: Apache-2.0
 *
 * Which row of the layouts is right for a binary, by the version it states. With experiments a version ends in
 * " X:arenas,nogreenteagc", since go1.26 in "-X:..." unless it has another '-' (cmd/link/internal/ld/main.go); only
 * those that differ from the version's own choice are named, with "no" in front when they are off.
 *
 * An experiment may put a field into any struct and move all that lies behind it, so one that nobody has looked at is
 * refused. The version is text from a stranger's file: it is never trusted to end soon or to be printable.
 */
#include "goruntime/layout.h"

#include <string.h>

#include "goruntime/buildinfo.h"
#include "memory/text.h"

/* Experiments that may be on or off: every toolchain that knows one built a program with and without it, and the rows
 * made from both were the same. Only go1.20 was not at hand; its experiments are those of its neighbours.
 *
 * Not among them: staticlockranking, which moves fields of nearly every struct; pagetrace and noexectracer2, which
 * change the size of runtime.p; those that have rows of their own, as swissmap, which chose the design of maps in
 * go1.24 and go1.25. runtimefreegc keeps objects that were freed early in lists of their own until they are used again;
 * they count as allocated, in their span as well as here. */
static const char *const HARMLESS_EXPERIMENTS[] = {
    "aliastypeparams",
    "arenas",
    "boringcrypto",
    "cacheprog",
    "cgocheck2",
    "coverageredesign",
    "dwarf5",
    "fieldtrack",
    "goroutineleakprofile",
    "heapminimum512kib",
    "jsonv2",
    "loopvar",
    "mapsplitgroup",
    "newinliner",
    "pacerredesign",
    "preemptibleloops",
    "randomizedheapbase64",
    "rangefunc",
    "regabiargs",
    "regabidefer",
    "regabig",
    "regabireflect",
    "regabiwrappers",
    "runtimefreegc",
    "runtimesecret",
    "simd",
    "sizespecializedmalloc",
    "spinbitmutex",
    "strictfipsruntime", /* Red Hat's; their patches do not touch the runtime's structs */
    "synchashtriemap",
    "synctest",
    "unified",
};

enum {
    HARMLESS_COUNT = sizeof HARMLESS_EXPERIMENTS / sizeof HARMLESS_EXPERIMENTS[0],
    SHOWN_CHARS_MAX = 40,
    FIRST_WITH_MALLOC_HEADERS = 22,
};

static bool is_harmless(struct text name)
{
    struct text without_no = name;
    if (text_starts_with(name, "no"))
        without_no.at += 2;
    for (unsigned i = 0; i < HARMLESS_COUNT; i++) {
        if (text_equals(name, HARMLESS_EXPERIMENTS[i]) || text_equals(without_no, HARMLESS_EXPERIMENTS[i]))
            return true;
    }
    return false;
}

/* `experiment` is NULL for the row of the version without any. */
static const struct go_layout *find_row(unsigned go_minor, const struct text *experiment)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        const struct go_layout *row = &GO_LAYOUTS[i];
        if (row->go_minor != go_minor || (row->experiment == NULL) != (experiment == NULL))
            continue;
        if (experiment == NULL || text_equals(*experiment, row->experiment))
            return row;
    }
    return NULL;
}

/* Puts `before`, the text as far as it can be shown, and `after` together. */
static const char *say(char *why_text, const char *before, struct text text, const char *after)
{
    char *at = stpcpy(why_text, before);
    for (unsigned i = 0; i < SHOWN_CHARS_MAX && text.at < text.end; i++) {
        char shown = *text.at++;
        if (shown < ' ' || shown > '~')
            shown = '?';
        *at++ = shown;
    }
    if (text.at < text.end)
        at = stpcpy(at, "...");
    strcpy(at, after);
    return why_text;
}

/* The row for the experiments, names with commas between them; NULL, and *refused is the one, when it has none. */
static const struct go_layout *row_with_experiments(const struct go_layout *plain, const char *list,
                                                    struct text *refused)
{
    const struct go_layout *row = plain;
    for (const char *at = list;; at++) {
        struct text name = {at, strchrnul(at, ',')};
        if (!is_harmless(name)) {
            /* No row is for two of those that move fields. */
            const struct go_layout *other = row == plain ? find_row(plain->go_minor, &name) : NULL;
            *refused = name;
            if (other == NULL)
                return NULL;
            row = other;
        }
        at = name.end;
        if (*at == '\0')
            return row;
    }
}

const struct go_layout *layout_for_version(const char *version, char *why_text, const char **why)
{
    struct text text = {version, version + strnlen(version, GO_VERSION_TEXT_BYTES)};
    *why = NULL;
    if (text.at == text.end) {
        *why = "the binary does not state its Go version";
        return NULL;
    }
    if (text.end - text.at >= GO_VERSION_TEXT_BYTES - 1) {
        /* It may have been cut, and experiments with it. */
        *why = say(why_text, "the Go version \"", text, "\" is too long to be read whole");
        return NULL;
    }
    const struct go_layout *row = find_row(go_version_minor(version), NULL);
    if (row == NULL) {
        *why = say(why_text, "Go version \"", text, "\" is not known: go1.17 to go1.27 are");
        return NULL;
    }
    const char *mark = strstr(version, "X:");
    if (mark == NULL)
        return row;
    struct text refused;
    row = row_with_experiments(row, mark + 2, &refused);
    if (row == NULL)
        *why = say(why_text, "experiment \"", refused, "\" may move the fields of the runtime's structs");
    return row;
}

bool layout_has_malloc_headers(const struct go_layout *layout)
{
    bool is_without = layout->experiment != NULL && strcmp(layout->experiment, "noallocheaders") == 0;
    return layout->go_minor >= FIRST_WITH_MALLOC_HEADERS && !is_without;
}
