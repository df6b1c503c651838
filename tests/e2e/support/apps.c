/* SPDX-License-Identifier: Apache-2.0
 *
 * A set is complete when it has the stamp that tests/setup/apps.sh writes last.
 */
#include "tests/e2e/support/apps.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/support/fail.h"

static const char *build_directory(void)
{
    const char *given = getenv("GPW_BUILD");
    return given == NULL ? "build" : given;
}

unsigned toolchain_minor(const struct toolchain *toolchain)
{
    unsigned minor;
    return sscanf(toolchain->version, "1.%u", &minor) == 1 ? minor : 0;
}

static int compare_versions(const void *a, const void *b)
{
    unsigned x = toolchain_minor(a), y = toolchain_minor(b);
    return x < y ? -1 : x > y;
}

static bool is_wanted(const char *version)
{
    const char *wanted = getenv("GPW_TOOLCHAINS");
    if (wanted == NULL || *wanted == '\0')
        return true;
    size_t length = strlen(version);
    for (const char *found = strstr(wanted, version); found != NULL; found = strstr(found + 1, version)) {
        if ((found == wanted || found[-1] == ' ') && (found[length] == ' ' || found[length] == '\0'))
            return true;
    }
    return false;
}

static void say_once(const struct toolchain *found, size_t count)
{
    static bool is_said;
    if (is_said)
        return;
    is_said = true;
    fprintf(stderr, "toolchains:");
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, " go%s", found[i].version);
    fprintf(stderr, "\n");
}

static bool is_there(const struct toolchain *toolchain, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/apps/%s/%s", build_directory(), toolchain->version, name);
    return access(path, F_OK) == 0;
}

/* All that are complete, also those that are not wanted, the oldest first. */
static size_t find_complete(struct toolchain *found)
{
    char directory[PATH_MAX];
    snprintf(directory, sizeof directory, "%s/apps", build_directory());
    DIR *versions = opendir(directory);
    must(versions != NULL, "%s (make apps)", directory);
    size_t count = 0;
    for (const struct dirent *entry = readdir(versions); entry != NULL; entry = readdir(versions)) {
        struct toolchain toolchain = {.version = ""};
        if (strlen(entry->d_name) >= TOOLCHAIN_BYTES)
            continue;
        strcpy(toolchain.version, entry->d_name);
        if (toolchain_minor(&toolchain) == 0 || !is_there(&toolchain, ".stamp"))
            continue;
        if (count == TOOLCHAINS_MAX)
            fail("%s: more than %d toolchains", directory, TOOLCHAINS_MAX);
        found[count++] = toolchain;
    }
    closedir(versions);
    qsort(found, count, sizeof *found, compare_versions);
    return count;
}

size_t toolchains_find(struct toolchain *found)
{
    size_t complete = find_complete(found), count = 0;
    for (size_t i = 0; i < complete; i++) {
        if (is_wanted(found[i].version))
            found[count++] = found[i];
    }
    if (count == 0) {
        /* The runner asks too, before any test, and Criterion waits for ever for an assertion that fails there. */
        fprintf(stderr, "%s/apps: no programs were built (make apps)\n", build_directory());
        _exit(1);
    }
    say_once(found, count);
    return count;
}

struct toolchain toolchain_oldest(void)
{
    struct toolchain found[TOOLCHAINS_MAX];
    toolchains_find(found);
    return found[0];
}

struct toolchain toolchain_newest(void)
{
    struct toolchain found[TOOLCHAINS_MAX];
    return found[toolchains_find(found) - 1];
}

struct criterion_test_params toolchain_ends_as_parameters(void)
{
    static struct toolchain ends[2];
    struct toolchain found[TOOLCHAINS_MAX];
    size_t count = toolchains_find(found);
    ends[0] = found[0];
    ends[1] = found[count - 1];
    return cr_make_param_array(struct toolchain, ends, count == 1 ? 1 : 2);
}

struct criterion_test_params toolchains_as_parameters(void)
{
    /* Outside of a test: the runner copies it for each. */
    static struct toolchain found[TOOLCHAINS_MAX];
    size_t count = toolchains_find(found);
    return cr_make_param_array(struct toolchain, found, count);
}

const char *built_path(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", build_directory(), name);
    const char *absolute = realpath(path, NULL);
    must(absolute != NULL, "%s", path);
    return absolute;
}

const char *app_path(const struct toolchain *toolchain, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "apps/%s/%s", toolchain->version, name);
    return built_path(path);
}

bool app_exists(const struct toolchain *toolchain, const char *name)
{
    struct toolchain complete[TOOLCHAINS_MAX];
    size_t length = strlen(name), race_length = strlen(".race");
    if (length > race_length && strcmp(name + length - race_length, ".race") == 0) {
        size_t count = find_complete(complete);
        if (strcmp(toolchain->version, complete[0].version) == 0 ||
            strcmp(toolchain->version, complete[count - 1].version) == 0)
            return true;
    }
    return is_there(toolchain, name);
}

const char *shim_path(void)
{
    return built_path("libgopagewatch.so");
}
