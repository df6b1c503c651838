/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the GOPAGEWATCH_ variables.
 */
#include "preload/options.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "gopagewatch/schema.h"
#include "memory/quantity.h"
#include "memory/text.h"
#include "memory/units.h"
#include "preload/log.h"
#include "preload/watches.h"

static const char PREFIX[] = "GOPAGEWATCH_";

enum { PREFIX_BYTES = sizeof PREFIX - 1, SIGNALS_MAX = 64, SIGNAL_RTMIN = 34 };

#define EVERY_NS_MIN 100000000ull
#define EVERY_NS_MAX (720 * 3600000000000ull)
#define EVENTS_FILE_BYTES_MIN (4ull << 10)
#define EVENTS_FILE_BYTES_MAX (1ull << 40)

const char *environment_value(char **environment, const char *name)
{
    uint64_t bytes = strlen(name);
    for (char **entry = environment; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, name, bytes) == 0 && (*entry)[bytes] == '=')
            return *entry + bytes + 1;
    }
    return NULL;
}

/* Each parser takes a value or says what is accepted. */

static const char *parse_log(struct options *options, const char *value)
{
    static const char *const LEVELS[] = {"quiet", "error", "info", "debug"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(value, LEVELS[i]) == 0) {
            options->log = (enum log_level)i;
            return NULL;
        }
    }
    return "quiet, error, info or debug";
}

/* A path with some letters behind percent signs. */
static bool take_pattern(char pattern[OPTION_TEXT_BYTES], const char *value, const char *letters)
{
    uint64_t bytes = strlen(value);
    if (bytes == 0 || bytes >= OPTION_TEXT_BYTES || value[bytes - 1] == '/')
        return false;
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '%' && (*++at == '\0' || strchr(letters, *at) == NULL))
            return false;
    }
    memcpy(pattern, value, bytes + 1);
    return true;
}

static const char *parse_out(struct options *options, const char *value)
{
    return take_pattern(options->out, value, "pnehtl%")
               ? NULL
               : "a path of up to 1023 bytes, with %p %n %e %h %t %l (%% for a percent sign)";
}

static const char *parse_events(struct options *options, const char *value)
{
    if (strcmp(value, "none") == 0) {
        options->events[0] = '\0';
        return NULL;
    }
    return take_pattern(options->events, value, "peht%")
               ? NULL
               : "a path of up to 1023 bytes, with %p %e %h %t (%% for a percent sign), or none";
}

static const char *parse_events_size(struct options *options, const char *value)
{
    uint64_t bytes;
    if (!quantity_size_bytes(value, &bytes) || bytes < EVENTS_FILE_BYTES_MIN || bytes > EVENTS_FILE_BYTES_MAX)
        return "a size from 4KiB to 1024GiB, as 256MiB";
    options->events_file_bytes = bytes;
    return NULL;
}

/* Not HUP and QUIT: a Go program that does not ask for these ends by them, whoever handles them too
 * (runtime/sigtab_linux_generic.go: _SigKill, _SigThrow). */
static const struct {
    const char *name;
    int number;
} SIGNALS[] = {{"none", 0}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"WINCH", SIGWINCH}, {"IO", SIGIO}, {"PWR", SIGPWR}};

static const char *parse_signal(struct options *options, const char *value)
{
    const char *name = strncmp(value, "SIG", 3) == 0 ? value + 3 : value;
    struct text text = text_of(name);
    uint64_t number;
    for (unsigned i = 0; i < sizeof SIGNALS / sizeof SIGNALS[0]; i++) {
        if (strcmp(name, SIGNALS[i].name) == 0) {
            options->signal = SIGNALS[i].number;
            return NULL;
        }
    }
    /* 34 is the C library's first real-time signal and Go leaves it alone; from 35 on they are Go's. */
    if (text_starts_with(text, "RTMIN+")) {
        text.at += 6;
        if (text_take_decimal(&text, &number) && text.at == text.end && number >= 1 &&
            number <= SIGNALS_MAX - SIGNAL_RTMIN) {
            options->signal = SIGNAL_RTMIN + (int)number;
            return NULL;
        }
    }
    return "USR1, USR2, WINCH, IO, PWR, RTMIN+1 to RTMIN+30 or none";
}

static const char *parse_every(struct options *options, const char *value)
{
    uint64_t ns = 0;
    if (strcmp(value, "none") != 0 && (!quantity_time_ns(value, &ns) || ns < EVERY_NS_MIN || ns > EVERY_NS_MAX))
        return "a time from 100ms to 720h, as 500ms, 30s, 5m or 1h, or none";
    options->every_ns = ns;
    return NULL;
}

static const char *parse_rss(struct options *options, const char *value)
{
    uint64_t bytes = 0;
    if (strcmp(value, "none") != 0 && (!quantity_size_bytes(value, &bytes) || bytes == 0))
        return "a size as 512MiB or 2GiB, or none";
    options->rss_bytes = bytes;
    return NULL;
}

static const char *parse_at_exit(struct options *options, const char *value)
{
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
        return "0 or 1";
    options->at_exit = value[0] == '1';
    return NULL;
}

static const char *parse_stacks(struct options *options, const char *value)
{
    static const char *const WORDS[] = {[STACKS_OFF] = "off", [STACKS_GO] = "go", [STACKS_ALL] = "all"};
    for (unsigned i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strcmp(value, WORDS[i]) == 0) {
            options->stacks = (enum stacks_wanted)i;
            return NULL;
        }
    }
    return "off, go or all";
}

static const char *parse_watch(struct options *options, const char *value)
{
    bool is_none = strcmp(value, "none") == 0;
    if (!is_none && !watches_check(value))
        return "what 'gopagewatch run --watch VAR' puts there, or none";
    options->watch = is_none ? NULL : value;
    return NULL;
}

static const char *parse_follow(struct options *options, const char *value)
{
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
        return "0 or 1";
    options->follow = value[0] == '1';
    return NULL;
}

static const struct {
    const char *name;
    const char *(*parse)(struct options *options, const char *value);
    const char *standard;
} TABLE[] = {
#define X(variable, field, standard, meaning) {#variable, parse_##field, standard},
    GPW_OPTIONS(X)
#undef X
};

/* " LOG OUT ..." */
#define X(variable, field, standard, meaning) " " #variable
#define KNOWN_NAMES GPW_OPTIONS(X)

static void read_one(struct options *options, const char *name, uint64_t name_bytes, const char *value)
{
    for (unsigned i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        if (strlen(TABLE[i].name) != name_bytes || strncmp(TABLE[i].name, name, name_bytes) != 0)
            continue;
        const char *accepted = TABLE[i].parse(options, value);
        log_set_level(options->log);
        if (accepted != NULL)
            log_error(PREFIX, TABLE[i].name, "=\"", value, "\" is not accepted: give ", accepted, "; using ",
                      TABLE[i].standard);
        return;
    }
    char unknown[64] = "";
    memcpy(unknown, name, min_u64(name_bytes, sizeof unknown - 1));
    log_error(PREFIX, unknown, "=\"", value, "\" has no effect: known in version " GPW_VERSION " are" KNOWN_NAMES);
}

#undef X

void options_read(struct options *options, char **environment)
{
    for (unsigned i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++)
        TABLE[i].parse(options, TABLE[i].standard);

    /* The level first, so that it rules what the others may say. */
    const char *level = environment_value(environment, "GOPAGEWATCH_LOG");
    if (level != NULL)
        read_one(options, "LOG", 3, level);
    for (char **entry = environment; entry != NULL && *entry != NULL; entry++) {
        const char *name = *entry + PREFIX_BYTES;
        const char *equals;
        if (strncmp(*entry, PREFIX, PREFIX_BYTES) != 0 || (equals = strchr(name, '=')) == NULL ||
            strncmp(name, "LOG=", 4) == 0)
            continue;
        read_one(options, name, (uint64_t)(equals - name), equals + 1);
    }
}

const char *options_check(const char *name, const char *value)
{
    struct options thrown_away;
    for (unsigned i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        if (strcmp(TABLE[i].name, name) == 0)
            // cppcheck-suppress returnDanglingLifetime ; the sentences are constants
            return TABLE[i].parse(&thrown_away, value);
    }
    return "nothing: there is no such variable";
}
