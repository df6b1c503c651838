/* SPDX-License-Identifier: Apache-2.0
 *
 * A core file in the place of a process.
 */
#include "harness/core.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/command_options.h"
#include "harness/core_environment.h"
#include "harness/core_file.h"
#include "harness/outside.h"

static const char NAME[] = "core";

static const char USAGE[] =
    "usage: gopagewatch core EXE CORE [-o FILE]\n"
    "\n"
    "Makes a dump of the Go process that left the core file CORE. EXE is the file it ran: text and\n"
    "tables that the core does not hold are read there.\n"
    "\n"
    "What was resident is told by the holes that the kernel leaves in a core for pages that were\n"
    "never touched. Copy cores so that holes stay ('cp --sparse=always', 'tar -S'). A core without\n"
    "holes (gdb's gcore before 15 makes such) shows the Go heap, but nothing counts as resident.\n"
    "\n"
    "  -o, --output FILE   where to, '-' for standard output; default gopagewatch.CORE.core.json in\n"
    "                      this directory, CORE without its directories. A file of that name is\n"
    "                      replaced.\n"
    "  -h, --help          this page\n"
    "\n"
    "example:\n"
    "  ulimit -c unlimited; GOTRACEBACK=crash ./app      (and later kill -ABRT PID)\n"
    "  gopagewatch core ./app core\n"
    "  gopagewatch report gopagewatch.core.core.json\n"
    "\n"
    "exit status: 0 the dump was written (its path is the last line of standard output), 2 wrong\n"
    "use, 4 a file cannot be read or written\n";

enum { VARIABLES_BYTES = 64 * 1024, CUT_TEXT_BYTES = 96 };

struct core_dump {
    struct core_file core;
    struct proc_status status;
    char variables[VARIABLES_BYTES];
    char cut[CUT_TEXT_BYTES];
};

static const char *file_path(void *context, const struct vma *vma)
{
    return core_file_path(context, vma);
}

static void fill_residency(struct core_dump *dump, struct book *book)
{
    book->how = dump->core.knows_residency ? "core" : "none";
    if (!dump->core.knows_residency)
        book_miss(book, "what was resident", "the core has no holes: all pages were written, touched or not");
    else
        book_miss(book, "resident or swapped out, huge, lazyfree", "a core tells only which pages were there");
    if (dump->core.cut_bytes != 0) {
        snprintf(dump->cut, sizeof dump->cut, "the core is cut off: %" PRIu64 " bytes of memory are missing",
                 dump->core.cut_bytes);
        book_miss(book, "what was resident at the end of the core", dump->cut);
    }
}

static void fill_environment(struct outside *outside, struct core_dump *dump)
{
    struct environment *environment = &outside->document.environment;
    uint64_t bytes = 0;
    struct utsname here;
    /* Of the machine where it died only this is known. */
    environment->os_page_bytes = dump->core.notes.os_page_bytes;
    if (uname(&here) == 0)
        memcpy(environment->system.machine, here.machine, sizeof here.machine);
    core_environment_read(&dump->core, "GO", dump->variables, sizeof dump->variables, &bytes);
    outside_set_variables(outside, dump->variables, bytes);
}

static void fill(struct outside *outside, struct core_dump *dump, const char *path)
{
    struct core_file *core = &dump->core;
    struct stat file;
    dump->status = (struct proc_status){
        .resident_bytes = core_file_resident_bytes(core),
        .peak_bytes = PROC_STATUS_NOT_KNOWN,
        .swapped_bytes = PROC_STATUS_NOT_KNOWN,
        .threads = core->notes.threads,
    };
    outside->where = (struct modules_source){&core->vmas, &core->reader, file_path, core};
    outside->source = (struct snapshot_source){
        .vmas = &core->vmas,
        .residency = &core->residency.residency,
        .status = &dump->status,
        .reader = &core->reader,
        .os_page_bytes = core->notes.os_page_bytes,
        .pid = core->notes.pid,
    };
    outside->knows_residency = core->knows_residency;
    struct document *document = &outside->document;
    document->reason = NAME;
    /* When it was written, unless it was copied since. */
    if (stat(path, &file) == 0)
        document->unix_ns = (uint64_t)file.st_mtim.tv_sec * 1000000000u + (uint64_t)file.st_mtim.tv_nsec;
    document->pid = core->notes.pid;
    document->comm = core->notes.comm;
    document->exe = core->program->name;
    fill_environment(outside, dump);
    fill_residency(dump, &document->books[BOOK_PAGEMAP]);
}

static enum exit_code fail(const char *thing, const struct error *error)
{
    command_complain(NAME, thing, error);
    return EXIT_CODE_UNREADABLE;
}

static enum exit_code dump_open_core(struct outside *outside, struct core_dump *dump, const char *exe, const char *core,
                                     const char *path)
{
    struct error error;
    bool is_output;
    if (!core_file_set_program(&dump->core, exe, &error))
        return fail(exe, &error);
    fill(outside, dump, core);
    if (!outside_dump(outside, path, &is_output, &error))
        return fail(is_output ? path : core, &error);
    return EXIT_CODE_OK;
}

static enum exit_code dump_core(const char *exe, const char *core, const char *path)
{
    struct error error;
    enum exit_code code;
    struct outside *outside = outside_open(NAME, core);
    struct core_dump *dump = outside == NULL ? NULL : bump_take(&outside->bump, sizeof *dump);
    if (dump == NULL) {
        error_set(&error, "there is no memory to read it into; free some or raise the limit (ulimit -v)");
        code = fail(core, &error);
    } else if (!core_file_open(&dump->core, core, &outside->bump, &error)) {
        code = fail(core, &error);
    } else {
        code = dump_open_core(outside, dump, exe, core, path);
        core_file_close(&dump->core);
    }
    if (outside != NULL)
        outside_close(outside);
    return code;
}

static enum exit_code take_option(void *context, int option, const char *value)
{
    (void)option; /* there is but one */
    *(const char **)context = value;
    return EXIT_CODE_OK;
}

enum exit_code core_run(int argc, char **argv)
{
    static const struct option OPTIONS[] = {COMMAND_OPTION_HELP, {"output", required_argument, NULL, 'o'}, {0}};
    static const struct command_syntax SYNTAX = {
        .name = NAME, .usage = USAGE, .shorts = ":ho:", .longs = OPTIONS, .take = take_option};
    const char *path = NULL;
    char default_path[PATH_MAX];
    enum exit_code code;
    if (!command_read_options(&SYNTAX, argc, argv, &path, &code))
        return code;
    if (argc - optind < 2)
        return command_refuse_use(NAME, "%s was named", optind == argc ? "no program" : "no core file");
    if (argc - optind > 2)
        return command_refuse_use(NAME, "one core at a time, not '%s' as well", argv[optind + 2]);
    const char *core = argv[optind + 1];
    snprintf(default_path, sizeof default_path, "gopagewatch.%s.core.json", basename(core));
    return dump_core(argv[optind], core, path == NULL ? default_path : path);
}
