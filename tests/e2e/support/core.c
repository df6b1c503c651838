/* SPDX-License-Identifier: Apache-2.0
 *
 * Cores of programs that died, read by the command.
 */
#include "tests/e2e/support/core.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/program.h"

enum { PATH_BYTES = 256 };

void allow_core(void)
{
    struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &no_limit);
}

bool has_plain_cores(void)
{
    char pattern[128] = "", uses_pid[8] = "";
    int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, pattern, sizeof pattern - 1) <= 0)
        return false;
    close(fd);
    fd = open("/proc/sys/kernel/core_uses_pid", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, uses_pid, sizeof uses_pid - 1) <= 0)
        return false;
    close(fd);
    return strcmp(pattern, "core\n") == 0 && uses_pid[0] == '0';
}

static json_t *dump_by(const char *form, const char *exe, const char *core, const char *directory)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/core.json", directory);
    struct program_setup setup = {.arguments = (const char *[]){built_path(form), "core", exe, core, "-o", path, NULL}};
    struct program *command = program_run(&setup);
    cr_assert_eq(program_await_end(command), 0, "%s %s: %s", form, exe, program_errors(command));
    program_free(command);
    json_t *dump = dump_load(path);
    must(remove(path) == 0, "%s", path);
    return dump;
}

json_t *core_dump(const char *exe, const char *directory)
{
    static const char *const KEYS[] = {"process", "rss", "go", "maps", "findings"};
    char core[PATH_BYTES];
    snprintf(core, sizeof core, "%s/core", directory);
    json_t *dump = dump_by("gopagewatch", exe, core, directory);
    json_t *sanitized = dump_by("asan/gopagewatch", exe, core, directory);
    for (unsigned i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++)
        cr_expect(json_equal(json_object_get(sanitized, KEYS[i]), json_object_get(dump, KEYS[i])),
                  "%s: another \"%s\" under AddressSanitizer", exe, KEYS[i]);
    json_decref(sanitized);
    must(remove(core) == 0, "%s", core);
    return dump;
}
