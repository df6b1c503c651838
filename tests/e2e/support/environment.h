/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment of a program under test: the test's own without what would make a run differ from one person's
 * machine to another's, and with what the test wants.
 */
#ifndef SUPPORT_ENVIRONMENT_H
#define SUPPORT_ENVIRONMENT_H

/* `changes`: "NAME=value" sets, "NAME" takes away, NULL at the end; or NULL. Later ones win. For environment_free. Or
 * fails the test. */
char **environment_make(const char *const *changes);
void environment_free(char **environment);

#endif
