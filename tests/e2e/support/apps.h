/* SPDX-License-Identifier: Apache-2.0
 *
 * The test programs that were built, one set for each Go toolchain found, and what is tested with them.
 *
 * All paths are absolute. They are below the directory $GPW_BUILD (default: build).
 */
#ifndef SUPPORT_APPS_H
#define SUPPORT_APPS_H

#include <criterion/parameterized.h>
#include <stdbool.h>
#include <stddef.h>

enum { TOOLCHAINS_MAX = 32, TOOLCHAIN_BYTES = 16 };

struct toolchain {
    char version[TOOLCHAIN_BYTES]; /* "1.26" */
};

/* All for which programs were built completely, the oldest first, at most TOOLCHAINS_MAX. $GPW_TOOLCHAINS ("1.19 1.26")
 * leaves only these. Their names are printed, once a process. None at all: fails. */
size_t toolchains_find(struct toolchain *found);

/* The number behind "1.", to tell versions apart: 26. */
unsigned toolchain_minor(const struct toolchain *toolchain);

/* A test that is run for each toolchain; `toolchain` is at hand in its body. */
#define TOOLCHAIN_TEST(suite, name, ...)     \
    ParameterizedTestParameters(suite, name) \
    {                                        \
        return toolchains_as_parameters();   \
    }                                        \
    ParameterizedTest(const struct toolchain *toolchain, suite, name, ##__VA_ARGS__)

struct criterion_test_params toolchains_as_parameters(void);

/* The same for the oldest and the newest alone: where what is tested is the command's own and takes long. */
#define ENDS_TEST(suite, name, ...)            \
    ParameterizedTestParameters(suite, name)   \
    {                                          \
        return toolchain_ends_as_parameters(); \
    }                                          \
    ParameterizedTest(const struct toolchain *toolchain, suite, name, ##__VA_ARGS__)

struct criterion_test_params toolchain_ends_as_parameters(void);

/* The oldest and the newest toolchain that tests run with. */
struct toolchain toolchain_oldest(void);
struct toolchain toolchain_newest(void);

/* Each returns a text that lives as long as the process, or fails the test when there is no such file. */
const char *app_path(const struct toolchain *toolchain, const char *name); /* "mapdemo.pie" */
const char *built_path(const char *name);                                  /* "etcd/usr/bin/etcd" */
const char *shim_path(void);                                               /* libgopagewatch.so */

/* Whether a file of that name was built: not every form can be built everywhere. Those with the race detector (*.race)
 * must have been with the oldest and the newest of all toolchains at hand, so of these it is said that they were. */
bool app_exists(const struct toolchain *toolchain, const char *name);

#endif
