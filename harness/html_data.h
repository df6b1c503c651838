/* SPDX-License-Identifier: Apache-2.0
 *
 * The data of the page that `report --html` writes: one JSON document with the keys of docs/dump-format.md, so that the
 * page's script reads what that describes, and what is taken out of a page can be read as a dump again.
 *
 *   gopagewatch    version of the command
 *   classes        name and meaning of each class of memory
 *   page_states    letter and meaning of each state of a page
 *   dumps          oldest first; of each: file, the parts that the page shows, who did it and who keeps it
 * (html_sites.h, in the place of go.profile), and what was left out
 *
 * The page stays small enough to be sent around: a dump has the HTML_MAPS_MAX mappings and HTML_THREADS_MAX stacks of
 * threads with the most resident memory, and details (mappings, page strings, Go maps and stacks) of older dumps are
 * left out where all together would be too large. The newest has them always.
 */
#ifndef GPW_HARNESS_HTML_DATA_H
#define GPW_HARNESS_HTML_DATA_H

#include <jansson.h>
#include <stdint.h>

#include "harness/symbols.h"

enum { HTML_MAPS_MAX = 256, HTML_THREADS_MAX = 100 };
/* For the details of all dumps but the newest. */
#define HTML_DETAILS_BYTES_MAX ((uint64_t)2 << 20)

struct html_dump {
    const char *file;                      /* its path, printable */
    json_t *document;                      /* of dump_load_document */
    const struct symbols_options *symbols; /* where names are looked for, or NULL */
};

/* The document as text that may stand in a script element; `dumps` from the oldest to the newest, at least one. To be
 * freed. NULL: there is no memory for it. */
char *html_data_make(const struct html_dump *dumps, uint32_t dumps_count);

/* A text of whatever bytes: what is no UTF-8 is made ASCII. NULL: there is no memory. */
json_t *html_data_text(const char *text);

#endif
