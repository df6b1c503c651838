/* SPDX-License-Identifier: Apache-2.0
 *
 * What `make install` puts in its place works from there: command, library, man page, completion, pkg-config file.
 */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"

#define PREFIX "/opt/gpw"

/* A directory with the product below PREFIX in it. Made once for each test, seconds at most: all is built. */
static struct temp_dir installed(void)
{
    struct temp_dir dir = temp_dir_make();
    const char *build = getenv("GPW_BUILD");
    char destdir[256], build_dir[256];
    snprintf(destdir, sizeof destdir, "DESTDIR=%s", dir.path);
    snprintf(build_dir, sizeof build_dir, "BUILD=%s", build == NULL ? "build" : build);
    struct program_setup setup = {
        .arguments = (const char *[]){"make", "-s", "install", "PREFIX=" PREFIX, destdir, build_dir, NULL},
        .environment = (const char *[]){"MAKEFLAGS", "MFLAGS", "MAKELEVEL", NULL},
    };
    struct program *make = program_run(&setup);
    if (program_await_end(make) != 0)
        fail("make install: %s", program_errors(make));
    program_free(make);
    return dir;
}

/* What a shell command writes; it must end well and be silent on stderr. `$D` is where the product is. */
static const char *output_of(const struct temp_dir *dir, const char *command)
{
    char place[256];
    snprintf(place, sizeof place, "D=%s" PREFIX, dir->path);
    struct program_setup setup = {
        .arguments = (const char *[]){"bash", "-c", command, NULL},
        .environment = (const char *[]){place, NULL},
    };
    struct program *shell = program_run(&setup); /* ended with the test: its output is still wanted */
    cr_expect_eq(program_await_end(shell), 0, "%s", command);
    cr_expect_str_eq(program_errors(shell), "", "%s", command);
    return program_output(shell);
}

Test(install, command_and_library_work_from_there, .timeout = 300)
{
    struct temp_dir dir = installed();
    struct toolchain found[TOOLCHAINS_MAX];
    toolchains_find(found);
    char preload[512], report[PATH_MAX + 64];
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s" PREFIX "/lib/libgopagewatch.so", dir.path);
    struct watched *watched = watch_app(&found[0], "mapdemo", (const char *[]){preload, NULL});
    program_await_phase(watched->program, "full");
    json_decref(watched_dump(watched));
    snprintf(report, sizeof report, "$D/bin/gopagewatch report %s", watched->outbox.path);
    cr_expect_not_null(strstr(output_of(&dir, report), "mapdemo (pid "));
    watched_end(watched);
}

Test(install, pkg_config_tells_where_things_are, .timeout = 180)
{
    struct temp_dir dir = installed();
    const char *text = output_of(&dir, "export PKG_CONFIG_PATH=$D/lib/pkgconfig; pkg-config --variable=preload "
                                       "gopagewatch; pkg-config --validate gopagewatch");
    cr_expect_str_eq(text, PREFIX "/lib/libgopagewatch.so\n");
    cr_expect_str_eq(output_of(&dir,
                               "export PKG_CONFIG_PATH=$D/lib/pkgconfig; export PKG_CONFIG_SYSROOT_DIR=${D%" PREFIX
                               "}; echo '#include <gopagewatch.h>' | gcc $(pkg-config --cflags --libs "
                               "gopagewatch) -fsyntax-only -x c - && pkg-config --libs gopagewatch"),
                     "\n", "the header is found, nothing is linked against");
    text = output_of(&dir, "export PKG_CONFIG_PATH=$D/lib/pkgconfig; echo gopagewatch $(pkg-config --modversion "
                           "gopagewatch); $D/bin/gopagewatch --version");
    const char *second = strchr(text, '\n') + 1;
    cr_expect_eq(strncmp(text, second, (size_t)(second - text) - 1), 0, "%s", text);
}

Test(install, man_page_is_clean_and_knows_every_command, .timeout = 180)
{
    struct temp_dir dir = installed();
    cr_expect_str_eq(output_of(&dir, "groff -ww -man -Tutf8 -z $D/share/man/man1/gopagewatch.1"), "");
    cr_expect_str_eq(output_of(&dir, "mandoc -Tlint -W all $D/share/man/man1/gopagewatch.1"), "");
    const char *commands = output_of(&dir, "$D/bin/gopagewatch help | awk '/^  [a-z]/ { print $1 }'");
    const char *sections = output_of(&dir, "awk '/^.SS/ { print $2 }' $D/share/man/man1/gopagewatch.1");
    cr_expect_str_eq(commands, sections);
    cr_expect_neq(commands[0], '\0');
}

/* `complete WORD...`: what bash would offer for the last word, sorted, a line each. */
#define COMPLETE                                                                                    \
    "source $D/share/bash-completion/completions/gopagewatch; "                                     \
    "complete() { COMP_WORDS=(gopagewatch \"$@\"); COMP_CWORD=$#; compopt() { :; }; _gopagewatch; " \
    "printf '%s\\n' \"${COMPREPLY[@]}\" | sort -u; }; "

Test(install, completion_offers_what_the_help_pages_tell, .timeout = 300)
{
    struct temp_dir dir = installed();
    const char *offered = output_of(&dir, COMPLETE "complete ''");
    const char *told = output_of(&dir, "($D/bin/gopagewatch help | awk '/^  [a-z]/ { print $1 }'; echo --help; "
                                       "echo --version) | sort -u");
    cr_expect_str_eq(offered, told);
    offered = output_of(&dir, COMPLETE "for command in $(complete '' | grep -v -e -); do echo $command; "
                                       "complete $command -; done");
    told = output_of(
        &dir,
        "for command in $($D/bin/gopagewatch help | awk '/^  [a-z]/ { print $1 }' | sort); do "
        "echo $command; $D/bin/gopagewatch $command --help | grep -E '^  (-|    --)' | sed 's/^  *//; s/  .*//' | "
        "grep -o -e '--*[a-z][a-z-]*' | sort -u; done");
    cr_expect_str_eq(offered, told);
    cr_expect_not_null(strstr(offered, "attach\n"));
    cr_expect_not_null(strstr(offered, "--output\n"));
}

Test(install, completion_knows_files_processes_and_words, .timeout = 180)
{
    static const struct {
        const char *words, *offered;
    } CASES[] = {
        {"report docs/dump.sch", "docs/dump.schema.json"},
        {"attach -o docs/dump.sch", "docs/dump.schema.json"},
        {"attach --output docs/dump.sch", "docs/dump.schema.json"},
        {"attach --output = docs/dump.sch", "docs/dump.schema.json"},
        {"core -o x docs/dump.sch", "docs/dump.schema.json"},
        {"help --completion ''", "bash"},
        {"help rep", "report"},
        {"top $$", "$$"},
        {"top --interval 2s $$", "$$"},
        {"top --interval ''", ""},
        {"nonsense ''", ""},
    };
    struct temp_dir dir = installed();
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char command[1024];
        snprintf(command, sizeof command,
                 "%sfound=$(complete %s); [[ $found == \"%s\" ]] && echo as expected || echo $found", COMPLETE,
                 CASES[i].words, CASES[i].offered);
        cr_expect_str_eq(output_of(&dir, command), "as expected\n", "%s", CASES[i].words);
    }
}

/* Values are given to all that take one, so that only an unknown option can be refused as one. */
Test(install, every_option_of_a_help_page_is_taken, .timeout = 300)
{
    struct temp_dir dir = installed();
    const char *refused =
        output_of(&dir, "for command in $($D/bin/gopagewatch help | awk '/^  [a-z]/ { print $1 }'); do "
                        "$D/bin/gopagewatch $command --help | grep '^  -' | sed 's/^  //; s/  .*//' | grep -o -e "
                        "'--[a-z-]*\\( (*[A-Za-z]\\)*' | "
                        "while read -r option value; do $D/bin/gopagewatch $command $option${value:+=1} 2>&1 "
                        "</dev/null | grep \"option '-\"; done; done; true");
    cr_expect_str_eq(refused, "");
}

Test(install, uninstall_leaves_nothing, .timeout = 180)
{
    struct temp_dir dir = installed();
    char command[512];
    cr_expect_str_neq(output_of(&dir, "find $D -type f"), "");
    snprintf(command, sizeof command, "make -s uninstall PREFIX=" PREFIX " DESTDIR=%s; find $D -type f", dir.path);
    cr_expect_str_eq(output_of(&dir, command), "");
}
