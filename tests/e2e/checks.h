/* SPDX-License-Identifier: Apache-2.0
 *
 * What several tests ask of a dump.
 */
#ifndef GPW_TESTS_E2E_CHECKS_H
#define GPW_TESTS_E2E_CHECKS_H

#include <jansson.h>
#include <stdint.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/watched.h"

/* A dump taken while the program rests: the kernel's own sums (smaps) did not change around it. `rss_bytes` gets that
 * sum. For json_decref. Fails the test when the program never rests. */
json_t *dump_at_rest(struct watched *watched, uint64_t *rss_bytes);

/* The classes' resident bytes are the kernel's sum within 0.5 %, and `other` is at most 0.5 % of it. */
void check_classes_add_up(const json_t *dump, uint64_t rss_bytes, const char *what);

/* For program_setup.before_exec: khugepaged joins no pages of the program between two looks at it. */
void forbid_huge_pages(void);

/* Starts a program of tests/apps under the shim. `arguments` and `environment` may be NULL. */
struct watched *watch_app(const struct toolchain *toolchain, const char *app, const char *const *environment);

#endif
