/* SPDX-License-Identifier: Apache-2.0
 *
 * Insertion: lists that people read are short.
 */
#include "harness/ranking.h"

#include <string.h>

void ranking_insert(struct ranking *ranking, const void *row)
{
    uint8_t *rows = ranking->rows;
    uint64_t at = ranking->count;
    while (at > 0 && ranking->compare(row, rows + (at - 1) * ranking->row_bytes) < 0)
        at--;
    if (at == ranking->capacity)
        return;
    if (ranking->count < ranking->capacity)
        ranking->count++;
    uint8_t *place = rows + at * ranking->row_bytes;
    memmove(place + ranking->row_bytes, place, (ranking->count - 1 - at) * ranking->row_bytes);
    memcpy(place, row, ranking->row_bytes);
}
