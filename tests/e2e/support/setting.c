/* SPDX-License-Identifier: Apache-2.0
 *
 * The guardian is there before the change: nobody can die in between.
 */
#include "tests/e2e/support/setting.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/text.h"

static bool write_value(const char *path, const char *value)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t written = write(file, value, strlen(value));
    close(file);
    return written == (ssize_t)strlen(value);
}

static void write_back(const void *what)
{
    const struct setting *setting = what;
    write_value(setting->path, setting->value);
}

static void read_value(struct setting *setting)
{
    struct text text = text_of_file(setting->path);
    const char *chosen = strchr(text_string(&text), '[');
    const char *value = chosen == NULL ? text_string(&text) : chosen + 1;
    size_t length = strcspn(value, chosen == NULL ? "\n" : "]");
    if (length == 0 || length >= sizeof setting->value)
        fail("%s is not understood: %s", setting->path, text_string(&text));
    memcpy(setting->value, value, length);
    setting->value[length] = '\0';
    text_free(&text);
}

bool setting_change(struct setting *setting, const char *path, const char *value)
{
    *setting = (struct setting){.path = ""};
    if (access(path, R_OK | W_OK) != 0)
        return false;
    snprintf(setting->path, sizeof setting->path, "%s", path);
    read_value(setting);
    setting->guardian = guardian_start(write_back, setting);
    if (write_value(path, value))
        return true;
    setting_restore(setting);
    return false;
}

void setting_restore(struct setting *setting)
{
    guardian_act(&setting->guardian);
}
