/* SPDX-License-Identifier: Apache-2.0
 *
 * The man page and the shell's completion, made from the help pages.
 *
 * A subcommand is described in one place: what its --help prints. That page is read back here, so a command needs to do
 * nothing for its manual but keep to the layout of all help pages:
 *
 *   usage: gopagewatch NAME ARGUMENT... [-o FILE]      each use on a line
 *                                                      paragraphs, with empty lines between
 *     -o, --option FILE   what it does                 items: two spaces, the term, two spaces or more, the text
 *                         and more of it               indented deeper: goes on
 *   example:                                           or examples:
 *     gopagewatch NAME file                            literally
 *   exit status: 0 ...
 */
#ifndef GPW_HARNESS_MANUAL_H
#define GPW_HARNESS_MANUAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/command.h"
#include "memory/bump.h"

enum { MANUAL_PAGES_MAX = 32, MANUAL_BLOCKS_MAX = 192 };

enum manual_kind { MANUAL_USAGE, MANUAL_PARAGRAPH, MANUAL_ITEM, MANUAL_EXAMPLE, MANUAL_EXIT_STATUS };

struct manual_block {
    enum manual_kind kind;
    const char *term; /* of an item, else NULL */
    const char *text; /* on one line; of an example a line as it stands */
};

struct manual_page {
    const char *name; /* of the command */
    struct manual_block blocks[MANUAL_BLOCKS_MAX];
    uint32_t count;
};

struct manual {
    struct manual_page pages[MANUAL_PAGES_MAX];
    uint32_t count;
    struct bump bump; /* holds all texts */
};

/* Asks each command for its page. False, and `error` names the command: it has none, or there is no memory. For
 * manual_close either way. */
bool manual_open(struct manual *manual, const struct command *commands, uint32_t count, struct error *error);
void manual_close(struct manual *manual);

/* Takes a page apart; texts are from `bump`. False: it has too many blocks, or there is no memory. */
bool manual_page_parse(struct manual_page *page, const char *text, struct bump *bump);

/* A page for man(1), without any warning of groff or mandoc. */
void manual_write_roff(FILE *out, const struct manual *manual);
/* For bash: commands, their options, and what these and the commands take. */
void manual_write_bash(FILE *out, const struct manual *manual);

#endif
