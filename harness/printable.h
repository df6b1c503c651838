/* SPDX-License-Identifier: Apache-2.0
 *
 * Text from a file, made safe for a terminal and for a message of one line.
 *
 * A dump may come from anybody. Control characters in it (C0, DEL, and C1 as UTF-8) could move the cursor, change the
 * terminal's state or forge a second line; each becomes '?'. Other UTF-8 stays as it is.
 */
#ifndef GPW_HARNESS_PRINTABLE_H
#define GPW_HARNESS_PRINTABLE_H

/* In place; the length stays. */
void printable_clean(char *text);

#endif
