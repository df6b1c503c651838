/* SPDX-License-Identifier: Apache-2.0
 *
 * The data of the page that `report --html` writes: one JSON document with the keys of docs/dump-format.md, so that the
 * page's script reads what that describes, and what is taken out of a page can be read as a dump again.
 *
 *   gopagewatch    version of the command
 *   classes        name and meaning of each class of memory
 *   page_states    letter and meaning of each state of a page
 *   dumps          oldest first; of each: file, all keys that the command knows, and what was left out
 *
 * The page stays small enough to be sent around: a dump has the HTML_MAPS_MAX mappings with the most resident memory,
 * and details (mappings and page strings) of older dumps are left out where all together would be too large. The
 * newest has them always.
 */
#ifndef GPW_HARNESS_HTML_DATA_H
#define GPW_HARNESS_HTML_DATA_H

#include <stdint.h>

#include "harness/dump.h"

enum { HTML_MAPS_MAX = 256 };
/* For the details of all dumps but the newest. */
#define HTML_DETAILS_BYTES_MAX ((uint64_t)2 << 20)

struct html_dump {
    const char *file; /* its path, printable */
    struct dump dump;
};

struct json; /* dump/json.h; jansson has functions of the same names */

/* `dumps` from the oldest to the newest. Writes a document for a script element. */
void html_data_write(struct json *json, const struct html_dump *dumps, uint32_t dumps_count);

#endif
