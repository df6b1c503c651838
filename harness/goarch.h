/* SPDX-License-Identifier: Apache-2.0
 *
 * What Go calls a machine.
 */
#ifndef GPW_HARNESS_GOARCH_H
#define GPW_HARNESS_GOARCH_H

/* "amd64" of uname's "x86_64"; a machine that has one name in both is returned as it is. */
const char *goarch_of(const char *machine);

#endif
