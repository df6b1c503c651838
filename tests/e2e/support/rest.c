/* SPDX-License-Identifier: Apache-2.0
 *
 * The program is asked after the dumps as it was before them: what is the same on both sides was true in between.
 */
#include "tests/e2e/support/rest.h"

#include <stdio.h>
#include <string.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/kernel_truth.h"
#include "tests/e2e/support/text.h"

enum { ATTEMPTS = 50, LINE_BYTES = 1024, PATH_BYTES = 256 };

json_t *attach_dump(struct program *program, const char *directory)
{
    char pid[16], path[PATH_BYTES];
    snprintf(pid, sizeof pid, "%d", (int)program_pid(program));
    snprintf(path, sizeof path, "%s/attached.json", directory);
    struct program_setup setup = {.arguments =
                                      (const char *[]){built_path("gopagewatch"), "attach", pid, "-o", path, NULL}};
    struct program *attach = program_run(&setup);
    if (program_await_end(attach) != 0)
        fail("gopagewatch attach %s: %s", pid, program_errors(attach));
    program_free(attach);
    json_t *dump = dump_load(path);
    must(remove(path) == 0, "%s", path);
    return dump;
}

static struct heap_truth parse(const char *line)
{
    return (struct heap_truth){
        .objects = text_number(line, "objects"),
        .unused = text_number(line, "unused"),
        .stacks = text_number(line, "stacks"),
        .free = text_number(line, "free"),
        .released = text_number(line, "released"),
        .count = text_number(line, "count"),
        .goal = text_number(line, "goal"),
        .cycles = text_number(line, "cycles"),
    };
}

static void await_truth(struct program *program, const char *phase, char line[LINE_BYTES])
{
    int length = snprintf(line, LINE_BYTES, "%s", program_await_phase(program, phase));
    if (length <= 0 || length >= LINE_BYTES)
        fail("no line of truth for %s, or a long one", phase);
}

static void take(struct rest *rest, struct program *program, struct watched *watched, const char *directory,
                 unsigned dumps)
{
    rest->dump = (dumps & REST_SIGNAL) != 0 ? watched_dump(watched) : NULL;
    rest->attached = (dumps & REST_ATTACH) != 0 ? attach_dump(program, directory) : NULL;
}

struct rest rest_take(struct program *program, struct watched *watched, const char *directory, const char *phase,
                      unsigned dumps)
{
    struct rest rest = {.rss_bytes = 0};
    char before[LINE_BYTES];
    await_truth(program, phase, before);
    for (int i = 0; i < ATTEMPTS; i++) {
        struct smaps_sums first = smaps_sum(program_pid(program), NULL);
        take(&rest, program, watched, directory, dumps);
        struct smaps_sums last = smaps_sum(program_pid(program), NULL);
        program_send(program, "again");
        await_truth(program, phase, rest.line);
        if (strcmp(before, rest.line) == 0 && first.rss_bytes == last.rss_bytes &&
            first.lazyfree_bytes == last.lazyfree_bytes && first.huge_bytes == last.huge_bytes) {
            rest.truth = parse(rest.line);
            rest.rss_bytes = last.rss_bytes;
            return rest;
        }
        memcpy(before, rest.line, sizeof before);
        rest_free(&rest);
    }
    fail("the program never rests in %s: it changed around each of %d dumps", phase, ATTEMPTS);
}

struct rest rest_dump(struct watched *watched, const char *phase)
{
    return rest_take(watched->program, watched, NULL, phase, REST_SIGNAL);
}

void rest_free(struct rest *rest)
{
    json_decref(rest->dump);
    json_decref(rest->attached);
    rest->dump = rest->attached = NULL;
}
