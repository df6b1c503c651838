/* SPDX-License-Identifier: Apache-2.0
 *
 * How this library ends a test: one way, so that every helper can promise "or fails the test" and its caller needs no
 * checks of its own. The only file of it that knows Criterion.
 */
#ifndef SUPPORT_FAIL_H
#define SUPPORT_FAIL_H

/* Fails and ends the running test with a sentence. What the test started is ended and removed all the same
 * (guardian.h). */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

/* Fails the test with the sentence and errno's text unless the claim holds. */
#define must(claim, ...) ((claim) ? (void)0 : fail_with_errno(__VA_ARGS__))

__attribute__((noreturn, format(printf, 1, 2))) void fail_with_errno(const char *format, ...);

#endif
