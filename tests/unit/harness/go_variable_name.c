/* SPDX-License-Identifier: Apache-2.0
 *
 * Names as people write them against names as the linker has them.
 */
#include "harness/go_variable_name.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

Test(go_variable_name, escaped_bytes_are_put_right_and_never_control)
{
    static const struct {
        const char *name, *plain;
    } CASES[] = {
        {"main.cache", "main.cache"},
        {"gopkg.in/yaml%2ev3.tags", "gopkg.in/yaml.v3.tags"},
        {"a%2Eb", "a.b"},
        {"a%2", "a%2"},
        {"a%zz", "a%zz"},
        {"a%00b%1bc", "a?b?c"},
        {"%25", "%"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char plain[GO_NAME_BYTES];
        go_name_plain(plain, CASES[i].name);
        cr_expect_str_eq(plain, CASES[i].plain, "%s: %s", CASES[i].name, plain);
    }
}

Test(go_variable_name, what_is_too_long_is_cut)
{
    char name[2 * GO_NAME_BYTES], plain[GO_NAME_BYTES];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    go_name_plain(plain, name);
    cr_expect_eq(strlen(plain), GO_NAME_BYTES - 1);
    go_name_type(plain, name);
    cr_expect_eq(strlen(plain), GO_NAME_BYTES - 1);
    go_name_type_short(plain, name);
    cr_expect_eq(strlen(plain), GO_NAME_BYTES - 1);
}

Test(go_variable_name, path_may_be_given_by_its_end)
{
    static const struct {
        const char *text, *path;
        uint64_t bytes;
        bool is_whole;
    } CASES[] = {
        {"main.a", "main", 4, true},  {"main", "main", 4, true},      {"mainly.a", "main", 0, false},
        {"b/c.a", "x/b/c", 3, false}, {"c.a", "x/b/c", 1, false},     {"x/b/c.a", "x/b/c", 5, true},
        {"/c.a", "x/b/c", 0, false},  {".a", "x/", 0, false},         {"", "x/b/c", 0, false},
        {"a", "x/b/ca", 0, false},    {"d.v1.a", "c/d.v1", 4, false}, {"d.a", "c/d.v1", 0, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        bool is_whole = false;
        uint64_t bytes = go_name_begins(CASES[i].text, CASES[i].path, ".", &is_whole);
        cr_expect_eq(bytes, CASES[i].bytes, "%s in %s: %zu", CASES[i].text, CASES[i].path, (size_t)bytes);
        cr_expect_eq(is_whole, CASES[i].is_whole, "%s in %s", CASES[i].text, CASES[i].path);
    }
}

Test(go_variable_name, types_are_compared_as_they_are_meant)
{
    static const struct {
        const char *name, *canonical, *shortened;
    } CASES[] = {
        {"map[string] int", "map[string]int", "map[string]int"},
        {"map[interface {}]struct {}", "map[any]struct{}", "map[any]struct{}"},
        {"map[a.b/c/d%2ev1.K]*e/f.T", "map[a.b/c/d.v1.K]*e/f.T", "map[d.v1.K]*f.T"},
        {"a/b.Table[c/d.T,e/f.U]", "a/b.Table[c/d.T,e/f.U]", "b.Table[d.T,f.U]"},
        {"map[string]func(a/b.T)", "map[string]func(a/b.T)", "map[string]func(b.T)"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char canonical[GO_NAME_BYTES], shortened[GO_NAME_BYTES];
        go_name_type(canonical, CASES[i].name);
        go_name_type_short(shortened, canonical);
        cr_expect_str_eq(canonical, CASES[i].canonical, "%s", canonical);
        cr_expect_str_eq(shortened, CASES[i].shortened, "%s", shortened);
    }
}

Test(go_variable_name, nearest_is_near)
{
    static const struct {
        const char *wrong, *name;
    } CASES[] = {
        {"cach", "cache"}, {"cahce", "cache"}, {"mian", "main"},       {"indxe", "index"}, {"Index", "index"},
        {"x", ""},         {"", ""},           {"something else", ""}, {"cash", ""},       {"cachee", "cache"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct go_name_nearest nearest = {.wrong = CASES[i].wrong};
        go_name_offer(&nearest, "index");
        go_name_offer(&nearest, "cache");
        go_name_offer(&nearest, "main");
        cr_expect_str_eq(nearest.name, CASES[i].name, "%s: %s", CASES[i].wrong, nearest.name);
    }
}
