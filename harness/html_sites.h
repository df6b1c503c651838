/* SPDX-License-Identifier: Apache-2.0
 *
 * Who did it and who keeps it, for the page of `report --html`: the rows of the text report with their whole stacks,
 * and names in them.
 */
#ifndef GPW_HARNESS_HTML_SITES_H
#define GPW_HARNESS_HTML_SITES_H

#include <jansson.h>

#include "harness/symbols.h"

enum { HTML_SITE_ROWS_MAX = 10, HTML_KEEPER_ROWS_MAX = 25, HTML_SITE_FRAMES_MAX = 48 };

/* An object:
 *   sites      of each subject that has call sites: `of`, `is_by_purpose`, `left_out` (rows), and `rows`: `bytes`,
 * `calls`, `who` and `stack` keepers    `rate` (MemProfileRate, or null) and `rows`: `pinned`, `resident`, `objects`,
 * `size`, `who` and `stack` nameless   why names are missing, a sentence for each module A stack is innermost first:
 * `function`, `place` ("file:line", or the module), `is_inlined`. `document` is of dump_load_document; `options` may be
 * NULL. NULL: there is no memory. */
json_t *html_sites_make(const json_t *document, const struct symbols_options *options);

#endif
