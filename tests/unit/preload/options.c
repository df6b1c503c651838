/* SPDX-License-Identifier: Apache-2.0
 *
 * The GOPAGEWATCH_ variables: every one with good and bad values, what is said about a bad one, and that a program runs
 * with the defaults whatever stands in them.
 */
#include "preload/options.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preload/log.h"
#include "tests/unit/support/files.h"

enum { SAID_BYTES = 8192 };

static struct options options;
static char said[SAID_BYTES];

/* Reads the options from `entries` up to the first NULL; what is said on stderr is in `said`. */
static void read_entries(char **entries)
{
    struct captured_stderr captured;
    memset(&options, 0x55, sizeof options);
    log_set_level(LOG_ERROR);
    capture_stderr_begin(&captured);
    options_read(&options, entries);
    capture_stderr_end(&captured, said, sizeof said);
}

static void read_one_entry(const char *entry)
{
    char *copy = strdup(entry);
    char *entries[] = {(char *)"PATH=/bin", copy, NULL};
    read_entries(entries);
    free(copy);
}

static void expect_defaults(const char *when)
{
    cr_expect_str_eq(options.out, "gopagewatch.%p.%n.json", "%s", when);
    cr_expect_eq(options.signal, SIGUSR2, "%s", when);
    cr_expect_eq(options.follow, true, "%s", when);
    cr_expect_null(options.watch, "%s", when);
    cr_expect_str_eq(options.events, "", "%s", when);
    cr_expect_eq(options.events_file_bytes, 64u << 20, "%s", when);
    cr_expect_eq(options.log, LOG_ERROR, "%s", when);
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

Test(options, are_the_defaults_and_silent_when_nothing_is_set)
{
    char *none[] = {NULL};
    char *others[] = {(char *)"GOPAGEWATCH=1",
                      (char *)"GOPAGEWATCH_",
                      (char *)"XGOPAGEWATCH_LOG=debug",
                      (char *)"gopagewatch_log=debug",
                      (char *)"",
                      (char *)"=",
                      NULL};
    read_entries(none);
    expect_defaults("empty environment");
    read_entries(others);
    expect_defaults("other variables");
    cr_expect_str_eq(said, "");
    read_entries(NULL);
    expect_defaults("no environment");
}

Test(options, take_every_good_value_silently)
{
    static const struct {
        const char *entry;
        int signal;
        bool follow;
        enum log_level log;
    } CASES[] = {
        {"GOPAGEWATCH_SIGNAL=USR1", SIGUSR1, true, LOG_ERROR},
        {"GOPAGEWATCH_SIGNAL=SIGUSR1", SIGUSR1, true, LOG_ERROR},
        {"GOPAGEWATCH_SIGNAL=USR2", SIGUSR2, true, LOG_ERROR},
        {"GOPAGEWATCH_SIGNAL=WINCH", SIGWINCH, true, LOG_ERROR},
        {"GOPAGEWATCH_SIGNAL=IO", SIGIO, true, LOG_ERROR},
        {"GOPAGEWATCH_SIGNAL=PWR", SIGPWR, true, LOG_ERROR},
        {"GOPAGEWATCH_SIGNAL=none", 0, true, LOG_ERROR},
        {"GOPAGEWATCH_SIGNAL=RTMIN+1", 35, true, LOG_ERROR},
        {"GOPAGEWATCH_SIGNAL=SIGRTMIN+30", 64, true, LOG_ERROR},
        {"GOPAGEWATCH_FOLLOW=0", SIGUSR2, false, LOG_ERROR},
        {"GOPAGEWATCH_FOLLOW=1", SIGUSR2, true, LOG_ERROR},
        {"GOPAGEWATCH_LOG=quiet", SIGUSR2, true, LOG_QUIET},
        {"GOPAGEWATCH_LOG=error", SIGUSR2, true, LOG_ERROR},
        {"GOPAGEWATCH_LOG=info", SIGUSR2, true, LOG_INFO},
        {"GOPAGEWATCH_LOG=debug", SIGUSR2, true, LOG_DEBUG},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        read_one_entry(CASES[i].entry);
        cr_expect_eq(options.signal, CASES[i].signal, "%s", CASES[i].entry);
        cr_expect_eq(options.follow, CASES[i].follow, "%s", CASES[i].entry);
        cr_expect_eq(options.log, CASES[i].log, "%s", CASES[i].entry);
        cr_expect_str_eq(said, "", "%s: %s", CASES[i].entry, said);
    }
}

Test(options, take_every_good_pattern)
{
    static const char *const PATTERNS[] = {
        "x", "/var/tmp/%e.%p.%n.json", "%p%n%e%h%t%l", "100%%.json", "%%", "a/b/c", "with space", "%%n"};
    for (unsigned i = 0; i < sizeof PATTERNS / sizeof PATTERNS[0]; i++) {
        char entry[200];
        snprintf(entry, sizeof entry, "GOPAGEWATCH_OUT=%s", PATTERNS[i]);
        read_one_entry(entry);
        cr_expect_str_eq(options.out, PATTERNS[i]);
        cr_expect_str_eq(said, "");
    }
}

Test(options, take_maps_to_watch_where_they_stand)
{
    char entry[] = "GOPAGEWATCH_WATCH=@00ff:main.a,map[int]int,0x4a0000,0x5b0000";
    char *entries[] = {entry, NULL};
    read_entries(entries);
    cr_expect_str_eq(said, "");
    cr_expect_eq(options.watch, strchr(entry, '=') + 1);
    entries[0] = (char *)"GOPAGEWATCH_WATCH=none";
    read_entries(entries);
    cr_expect_str_eq(said, "");
    cr_expect_null(options.watch);
}

Test(options, take_a_file_of_events_and_its_size)
{
    char *entries[] = {(char *)"GOPAGEWATCH_EVENTS=/var/tmp/%e.%h.%p.%t%%", (char *)"GOPAGEWATCH_EVENTS_SIZE=4KiB",
                       NULL};
    read_entries(entries);
    cr_expect_str_eq(said, "");
    cr_expect_str_eq(options.events, "/var/tmp/%e.%h.%p.%t%%");
    cr_expect_eq(options.events_file_bytes, 4096u);
    read_one_entry("GOPAGEWATCH_EVENTS_SIZE=1024GiB");
    cr_expect_eq(options.events_file_bytes, (uint64_t)1 << 40);
    cr_expect_str_eq(options.events, "");
}

Test(options, answer_a_bad_value_with_one_line_and_the_default)
{
    static const struct {
        const char *name, *value, *accepted, *standard;
    } CASES[] = {
        {"LOG", "", "quiet, error, info or debug", "error"},
        {"LOG", "warn", "quiet, error, info or debug", "error"},
        {"LOG", "ERROR", "quiet, error, info or debug", "error"},
        {"LOG", "debug ", "quiet, error, info or debug", "error"},
        {"OUT", "", "a path of up to 1023 bytes, with %p %n %e %h %t %l (%% for a percent sign)",
         "gopagewatch.%p.%n.json"},
        {"OUT", "dir/", "a path of up to 1023 bytes", "gopagewatch.%p.%n.json"},
        {"OUT", "x%", "a path of up to 1023 bytes", "gopagewatch.%p.%n.json"},
        {"OUT", "%d.json", "a path of up to 1023 bytes", "gopagewatch.%p.%n.json"},
        {"OUT", "%%%", "a path of up to 1023 bytes", "gopagewatch.%p.%n.json"},
        {"OUT", "%P.json", "a path of up to 1023 bytes", "gopagewatch.%p.%n.json"},
        {"SIGNAL", "", "RTMIN+1 to RTMIN+30 or none", "USR2"},
        {"SIGNAL", "12", "USR1, USR2, WINCH, IO, PWR", "USR2"},
        {"SIGNAL", "KILL", "USR1, USR2", "USR2"},
        {"SIGNAL", "SEGV", "USR1, USR2", "USR2"},
        {"SIGNAL", "HUP", "USR1, USR2", "USR2"},
        {"SIGNAL", "QUIT", "USR1, USR2", "USR2"},
        {"SIGNAL", "usr2", "USR1, USR2", "USR2"},
        {"SIGNAL", "RTMIN", "RTMIN+1", "USR2"},
        {"SIGNAL", "RTMIN+0", "RTMIN+1", "USR2"},
        {"SIGNAL", "RTMIN+31", "RTMIN+1", "USR2"},
        {"SIGNAL", "RTMIN+4294967297", "RTMIN+1", "USR2"},
        {"SIGNAL", "RTMIN+99999999999999999999", "RTMIN+1", "USR2"},
        {"SIGNAL", "RTMIN+3x", "RTMIN+1", "USR2"},
        {"SIGNAL", "RTMIN+-3", "RTMIN+1", "USR2"},
        {"EVERY", "5", "a time from 100ms", "none"},
        {"EVERY", "99ms", "a time from 100ms", "none"},
        {"EVERY", "721h", "a time from 100ms", "none"},
        {"AT_EXIT", "yes", "0 or 1", "0"},
        {"RSS", "0", "a size as 512MiB", "none"},
        {"RSS", "much", "a size as 512MiB", "none"},
        {"WATCH", "", "what 'gopagewatch run --watch VAR' puts there, or none", "none"},
        {"WATCH", "main.cache", "what 'gopagewatch run --watch VAR' puts there", "none"},
        {"EVENTS", "", "a path of up to 1023 bytes, with %p %e %h %t (%% for a percent sign), or none", "none"},
        {"EVENTS", "dir/", "a path of up to 1023 bytes", "none"},
        {"EVENTS", "x.%n", "a path of up to 1023 bytes", "none"},
        {"EVENTS", "x.%l", "a path of up to 1023 bytes", "none"},
        {"EVENTS_SIZE", "", "a size from 4KiB to 1024GiB", "64MiB"},
        {"EVENTS_SIZE", "4095", "a size from 4KiB to 1024GiB", "64MiB"},
        {"EVENTS_SIZE", "1025GiB", "a size from 4KiB to 1024GiB", "64MiB"},
        {"EVENTS_SIZE", "none", "a size from 4KiB to 1024GiB", "64MiB"},
        {"FOLLOW", "", "0 or 1", "1"},
        {"FOLLOW", "yes", "0 or 1", "1"},
        {"FOLLOW", "01", "0 or 1", "1"},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char entry[200], line[400];
        snprintf(entry, sizeof entry, "GOPAGEWATCH_%s=%s", CASES[i].name, CASES[i].value);
        read_one_entry(entry);
        expect_defaults(entry);
        cr_expect_eq(count_lines(said), 1, "%s: %s", entry, said);
        snprintf(line, sizeof line, "gopagewatch: GOPAGEWATCH_%s=\"%s\" is not accepted: give ", CASES[i].name,
                 CASES[i].value);
        cr_expect_eq(strncmp(said, line, strlen(line)), 0, "%s: %s", entry, said);
        cr_expect_not_null(strstr(said, CASES[i].accepted), "%s: %s", entry, said);
        snprintf(line, sizeof line, "; using %s\n", CASES[i].standard);
        cr_assert_geq(strlen(said), strlen(line));
        cr_expect_str_eq(said + strlen(said) - strlen(line), line, "%s: %s", entry, said);
    }
}

Test(options, a_path_of_1023_bytes_is_accepted_and_one_more_is_not)
{
    char entry[OPTION_TEXT_BYTES + 100] = "GOPAGEWATCH_OUT=";
    char *value = entry + strlen(entry);
    memset(value, 'a', OPTION_TEXT_BYTES - 1);
    read_one_entry(entry);
    cr_expect_str_eq(options.out, value);
    cr_expect_str_eq(said, "");
    value[OPTION_TEXT_BYTES - 1] = 'a';
    read_one_entry(entry);
    expect_defaults("a path too long");
    cr_expect_eq(count_lines(said), 1);
    cr_expect_not_null(strstr(said, "a path of up to 1023 bytes"));
}

Test(options, a_value_of_any_length_gives_one_line_of_bounded_length)
{
    enum { LONG_BYTES = 100000 };
    static const char *const NAMES[] = {"LOG", "OUT", "SIGNAL", "FOLLOW", "NOTHING"};
    char *entry = malloc(LONG_BYTES + 100);
    for (unsigned i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        int bytes = sprintf(entry, "GOPAGEWATCH_%s=", NAMES[i]);
        memset(entry + bytes, 'v', LONG_BYTES);
        entry[bytes + LONG_BYTES] = '\0';
        read_one_entry(entry);
        expect_defaults(NAMES[i]);
        cr_expect_eq(count_lines(said), 1);
        cr_expect_leq(strlen(said), 2048);
        cr_expect_eq(said[strlen(said) - 1], '\n');
    }
    free(entry);
}

Test(options, an_unknown_variable_is_named_with_those_that_are_known)
{
    read_one_entry("GOPAGEWATCH_OUTPUT=/tmp/x");
    expect_defaults("unknown variable");
    cr_expect_eq(count_lines(said), 1);
    static const char FRONT[] = "gopagewatch: GOPAGEWATCH_OUTPUT=\"/tmp/x\" has no effect: known in version ";
    cr_expect_eq(strncmp(said, FRONT, sizeof FRONT - 1), 0, "%s", said);
#define X(variable, field, standard, meaning) cr_expect_not_null(strstr(said, " " #variable), "%s", said);
    GPW_OPTIONS(X)
#undef X
    read_one_entry("GOPAGEWATCH_=5");
    cr_expect_not_null(strstr(said, "GOPAGEWATCH_=\"5\" has no effect"), "%s", said);
}

/* The level rules what the others may say, wherever it stands. */
Test(options, quiet_silences_what_comes_before_it_too)
{
    char *entries[] = {(char *)"GOPAGEWATCH_SIGNAL=nonsense", (char *)"GOPAGEWATCH_LOG=quiet",
                       (char *)"GOPAGEWATCH_NOTHING=1", NULL};
    read_entries(entries);
    cr_expect_str_eq(said, "");
    cr_expect_eq(options.signal, SIGUSR2);
    cr_expect_eq(options.log, LOG_QUIET);
}

Test(options, a_good_value_beside_a_bad_one_counts)
{
    char *entries[] = {(char *)"GOPAGEWATCH_OUT=%q", (char *)"GOPAGEWATCH_SIGNAL=none", (char *)"GOPAGEWATCH_FOLLOW=2",
                       (char *)"GOPAGEWATCH_LOG=info", NULL};
    read_entries(entries);
    cr_expect_eq(count_lines(said), 2, "%s", said);
    cr_expect_eq(options.signal, 0);
    cr_expect_eq(options.log, LOG_INFO);
    cr_expect_str_eq(options.out, "gopagewatch.%p.%n.json");
}

Test(options, the_defaults_in_the_table_are_accepted_themselves)
{
#define X(variable, field, standard, meaning)                        \
    read_one_entry("GOPAGEWATCH_" #variable "=" standard);           \
    cr_expect_str_eq(said, "", #variable "=%s: %s", standard, said); \
    expect_defaults(#variable);
    GPW_OPTIONS(X)
#undef X
}

Test(environment_value, is_the_first_of_that_very_name)
{
    char *entries[] = {(char *)"GOGCX=1", (char *)"XGOGC=2", (char *)"GOGC",  (char *)"GOGC=",
                       (char *)"GOGC=50", (char *)"EMPTY=",  (char *)"A=b=c", NULL};
    cr_expect_str_eq(environment_value(entries, "GOGC"), "");
    cr_expect_str_eq(environment_value(entries, "XGOGC"), "2");
    cr_expect_str_eq(environment_value(entries, "A"), "b=c");
    cr_expect_null(environment_value(entries, "GOG"));
    cr_expect_null(environment_value(entries, "gogc"));
    cr_expect_null(environment_value(entries, ""));
    cr_expect_null(environment_value(NULL, "GOGC"));
}
