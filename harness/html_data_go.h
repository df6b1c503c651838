/* SPDX-License-Identifier: Apache-2.0
 *
 * The key "go" of a dump in a page's data. Internal to html_data.
 */
#ifndef GPW_HARNESS_HTML_DATA_GO_H
#define GPW_HARNESS_HTML_DATA_GO_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/json.h"
#include "harness/dump.h"

/* Without details the list of arenas is empty. */
void html_data_write_go(struct json *json, const struct dump *dump, bool has_details);

/* DUMP_NOT_KNOWN is written as null. */
static inline void html_data_known(struct json *json, const char *key, uint64_t value)
{
    if (value == DUMP_NOT_KNOWN)
        json_put_null(json, key);
    else
        json_put_number(json, key, value);
}

#endif
