/* SPDX-License-Identifier: Apache-2.0
 *
 * From a JSON document of schema gopagewatch.dump/1 to a struct dump.
 */
#ifndef GPW_HARNESS_DUMP_DECODE_H
#define GPW_HARNESS_DUMP_DECODE_H

#include <jansson.h>
#include <stdbool.h>

#include "harness/dump.h"
#include "harness/error.h"

/* Copies what the command uses; `document` may go afterwards. False and `error` names the key that is missing or wrong;
 * then `dump` is to be freed all the same. */
bool dump_decode(struct dump *dump, const json_t *document, struct error *error);

#endif
