/* SPDX-License-Identifier: Apache-2.0
 *
 * Without control characters two are left that need an escape.
 */
#include "harness/json_text.h"

void json_text_write(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}
