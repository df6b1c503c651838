/* SPDX-License-Identifier: Apache-2.0
 *
 * Help pages taken apart, and what is made of them.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/manual.h"

static const char PAGE[] = "usage: gopagewatch weigh [-o FILE] [--every DUR | --once] FORMAT PID...\n"
                           "       gopagewatch weigh --list\n"
                           "\n"
                           "Weighs a process.\n"
                           "It goes on. FORMAT is one of\n"
                           "\n"
                           "  stones       of old\n"
                           "  grams        for shops\n"
                           "\n"
                           "  -o, --output FILE   where to;\n"
                           "                      'x' is a name\n"
                           "      --every DUR     a long-winded\n"
                           "                      option\n"
                           "  --unit (kg|lb)      of the sum\n"
                           "  --once\n"
                           "\n"
                           "example:\n"
                           "  gopagewatch weigh grams 1 \\\n"
                           "    .hidden\n"
                           "\n"
                           "exit status: 0 it was\n"
                           "weighed, 2 not\n";

static enum exit_code weigh_run(int argc, char **argv)
{
    cr_assert(argc == 2 && strcmp(argv[0], "weigh") == 0 && strcmp(argv[1], "--help") == 0);
    fputs(PAGE, stdout);
    return EXIT_CODE_OK;
}

static enum exit_code talk_run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("no page\n");
    return EXIT_CODE_OK;
}

static const struct command COMMANDS[] = {{"weigh", "weighs", weigh_run}, {"talk", "talks", talk_run}};

static struct manual manual;

static void open_manual(void)
{
    struct error error;
    cr_assert(manual_open(&manual, COMMANDS, 1, &error), "%s", error.text);
}

static const char *written(void (*write)(FILE *, const struct manual *))
{
    static char text[64 << 10];
    FILE *out = fmemopen(text, sizeof text, "w");
    write(out, &manual);
    fclose(out);
    return text;
}

static void expect_in(const char *text, const char *part)
{
    cr_expect_not_null(strstr(text, part), "no \"%s\" in:\n%s", part, text);
}

Test(manual, page_is_taken_apart)
{
    static const struct manual_block EXPECTED[] = {
        {MANUAL_USAGE, NULL, "gopagewatch weigh [-o FILE] [--every DUR | --once] FORMAT PID..."},
        {MANUAL_USAGE, NULL, "gopagewatch weigh --list"},
        {MANUAL_PARAGRAPH, NULL, "Weighs a process. It goes on. FORMAT is one of"},
        {MANUAL_ITEM, "stones", "of old"},
        {MANUAL_ITEM, "grams", "for shops"},
        {MANUAL_ITEM, "-o, --output FILE", "where to; 'x' is a name"},
        {MANUAL_ITEM, "--every DUR", "a long-winded option"},
        {MANUAL_ITEM, "--unit (kg|lb)", "of the sum"},
        {MANUAL_ITEM, "--once", ""},
        {MANUAL_EXAMPLE, NULL, "gopagewatch weigh grams 1 \\"},
        {MANUAL_EXAMPLE, NULL, "  .hidden"},
        {MANUAL_EXIT_STATUS, NULL, "0 it was weighed, 2 not"},
    };
    open_manual();
    const struct manual_page *page = &manual.pages[0];
    cr_assert_eq(page->count, sizeof EXPECTED / sizeof EXPECTED[0]);
    for (uint32_t i = 0; i < page->count; i++) {
        cr_expect_eq(page->blocks[i].kind, EXPECTED[i].kind, "block %u", i);
        cr_expect_str_eq(page->blocks[i].text, EXPECTED[i].text);
        cr_expect_eq(page->blocks[i].term == NULL, EXPECTED[i].term == NULL, "block %u", i);
        if (EXPECTED[i].term != NULL)
            cr_expect_str_eq(page->blocks[i].term, EXPECTED[i].term);
    }
    manual_close(&manual);
}

Test(manual, command_without_a_page_is_named)
{
    struct error error;
    cr_expect_not(manual_open(&manual, COMMANDS, 2, &error));
    expect_in(error.text, "the help page of talk cannot be read");
    manual_close(&manual);
}

Test(manual, page_that_is_too_long_is_refused)
{
    static char text[(MANUAL_BLOCKS_MAX + 1) * 8 + 1];
    struct manual_page page;
    struct bump bump;
    cr_assert_eq(bump_open(&bump, 1 << 20), 0);
    for (int i = 0; i < MANUAL_BLOCKS_MAX; i++)
        strcat(text, "  -x  y\n");
    cr_expect(manual_page_parse(&page, text, &bump));
    strcat(text, "  -x  y\n");
    cr_expect_not(manual_page_parse(&page, text, &bump));
    bump_close(&bump);
}

Test(manual, roff_escapes_what_it_would_take_for_something_else)
{
    open_manual();
    const char *roff = written(manual_write_roff);
    expect_in(roff,
              "\n.SS weigh\n.nf\n\\fBgopagewatch weigh [\\-o FILE] [\\-\\-every DUR | \\-\\-once] FORMAT PID...\\fR\n"
              "\\fBgopagewatch weigh \\-\\-list\\fR\n.fi\n.PP\nWeighs a process.\nIt goes on.\nFORMAT is one of\n");
    expect_in(roff, "\n.TP\n\\fB\\-o, \\-\\-output FILE\\fR\nwhere to; \\(aqx\\(aq is a name\n");
    expect_in(roff, "\n.TP\n\\fB\\-\\-once\\fR\n\\&\n");
    expect_in(roff, "\n.nf\ngopagewatch weigh grams 1 \\e\n  .hidden\n.fi\n");
    expect_in(roff, "\nExit status:\n0 it was weighed, 2 not\n");
    expect_in(roff, "\n.TP\n\\fBGOPAGEWATCH_OUT\\fR\n");
    manual_close(&manual);
}

Test(manual, completion_knows_what_stands_where)
{
    open_manual();
    expect_in(written(manual_write_bash), "    weigh)\n"
                                          "        options=' -o --output --every --unit --once'\n"
                                          "        values=' -o:file --output:file --every:none --unit:=kg,lb'\n"
                                          "        places=' =stones,grams pid'\n");
    manual_close(&manual);
}
