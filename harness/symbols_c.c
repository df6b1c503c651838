/* SPDX-License-Identifier: Apache-2.0
 *
 * libdwfl brings a file and its debug information together (also what is compressed in .gnu_debugdata). The ELF symbols
 * are sorted once: libdwfl walks through all of them for each address.
 */
#include "harness/symbols_c.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/symbols_dwarf.h"

struct elf_symbol {
    uint64_t start, end; /* where its size is not known, the end of its section */
    const char *name;
    bool is_sized;
    uint8_t rank; /* of several at one place the lowest is taken */
};

struct c_symbols {
    Dwfl *dwfl;
    Dwfl_Module *module;
    const char *debug_path;
    int debug_fd; /* -1: none */
    struct elf_symbol *symbols;
    uint64_t symbols_count;
    Dwarf_Addr dwarf_bias;
    bool has_dwarf;
    struct dwarf_index dwarf;
};

/* ---- libdwfl ---- */

/* The file is given, it need not be found. */
static int find_no_elf(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, char **path, Elf **elf)
{
    (void)module, (void)user, (void)name, (void)base, (void)path, (void)elf;
    return -1;
}

/* In the place of dwfl_standard_find_debuginfo, which asks servers. Once: the next question is for what the debug
 * information refers to, which is another file. */
static int find_debug(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, const char *path,
                      const char *link, GElf_Word link_sum, char **debug_path)
{
    struct c_symbols *symbols = *user;
    (void)module, (void)name, (void)base, (void)path, (void)link, (void)link_sum;
    if (symbols == NULL || symbols->debug_fd < 0)
        return -1;
    int fd = fcntl(symbols->debug_fd, F_DUPFD_CLOEXEC, 0);
    *debug_path = fd < 0 ? NULL : strdup(symbols->debug_path);
    symbols->debug_fd = -1;
    return fd;
}

static bool open_module(struct c_symbols *symbols, const char *path, int fd)
{
    static const Dwfl_Callbacks CALLBACKS = {
        .find_elf = find_no_elf,
        .find_debuginfo = find_debug,
        .section_address = dwfl_offline_section_address,
    };
    void **user;
    symbols->dwfl = dwfl_begin(&CALLBACKS);
    if (symbols->dwfl == NULL)
        return false;
    int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    dwfl_report_begin(symbols->dwfl);
    symbols->module = own_fd < 0 ? NULL : dwfl_report_elf(symbols->dwfl, path, path, own_fd, 0, true);
    dwfl_report_end(symbols->dwfl, NULL, NULL);
    if (symbols->module == NULL) {
        close(own_fd);
        return false;
    }
    dwfl_module_info(symbols->module, &user, NULL, NULL, NULL, NULL, NULL, NULL);
    *user = symbols;
    return true;
}

/* ---- ELF symbols ---- */

static bool is_code(const GElf_Sym *symbol, GElf_Word section)
{
    int type = GELF_ST_TYPE(symbol->st_info);
    return section != SHN_UNDEF && section != SHN_ABS && section != SHN_COMMON &&
           (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

/* Functions before labels, global before weak before local names, plain names before _names. */
static uint8_t rank_of(const GElf_Sym *symbol, const char *name)
{
    static const uint8_t OF_BINDING[] = {[STB_LOCAL] = 2, [STB_GLOBAL] = 0, [STB_WEAK] = 1};
    unsigned binding = GELF_ST_BIND(symbol->st_info);
    unsigned of_binding = binding < sizeof OF_BINDING ? OF_BINDING[binding] : 3;
    unsigned underscores = name[0] != '_' ? 0 : name[1] != '_' ? 1 : 2;
    return (uint8_t)((GELF_ST_TYPE(symbol->st_info) == STT_NOTYPE) << 4 | of_binding << 2 | underscores);
}

static int compare_symbols(const void *left, const void *right)
{
    const struct elf_symbol *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank > b->rank ? -1 : 1; /* a search from behind meets the best first */
    return strcmp(b->name, a->name);
}

static void add_symbol(struct c_symbols *symbols, int index)
{
    GElf_Sym symbol;
    GElf_Shdr header;
    GElf_Addr address, bias = 0;
    GElf_Word section;
    Elf *elf = NULL;
    const char *name = dwfl_module_getsym_info(symbols->module, index, &symbol, &address, &section, &elf, &bias);
    if (name == NULL || name[0] == '\0' || !is_code(&symbol, section) ||
        gelf_getshdr(elf_getscn(elf, section), &header) == NULL || (header.sh_flags & SHF_EXECINSTR) == 0)
        return;
    bool is_sized = symbol.st_size != 0;
    uint64_t end = is_sized ? address + symbol.st_size : header.sh_addr + header.sh_size + bias;
    if (end > address)
        symbols->symbols[symbols->symbols_count++] =
            (struct elf_symbol){address, end, name, is_sized, rank_of(&symbol, name)};
}

static void read_symbols(struct c_symbols *symbols)
{
    int count = dwfl_module_getsymtab(symbols->module);
    if (count <= 0)
        return;
    symbols->symbols = calloc((size_t)count, sizeof *symbols->symbols);
    if (symbols->symbols == NULL)
        return;
    for (int i = 1; i < count; i++)
        add_symbol(symbols, i);
    qsort(symbols->symbols, symbols->symbols_count, sizeof *symbols->symbols, compare_symbols);
}

/* The symbol that holds the address and begins last; one without a size holds what is before the next. */
static const char *find_symbol(const struct c_symbols *symbols, uint64_t address)
{
    enum { LOOKED_BACK = 64 };
    uint64_t low = 0, high = symbols->symbols_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (symbols->symbols[middle].start > address)
            high = middle;
        else
            low = middle + 1;
    }
    const char *unsized = NULL;
    for (uint64_t i = low; i > 0 && low - i < LOOKED_BACK; i--) {
        const struct elf_symbol *symbol = &symbols->symbols[i - 1];
        if (address >= symbol->end)
            continue;
        if (symbol->is_sized)
            return symbol->name;
        if (symbol->start == symbols->symbols[low - 1].start)
            unsized = symbol->name;
    }
    return unsized;
}

/* ---- the whole ---- */

struct c_symbols *c_symbols_open(const char *path, int fd, const char *debug_path, int debug_fd)
{
    struct c_symbols *symbols = calloc(1, sizeof *symbols);
    if (symbols == NULL)
        return NULL;
    symbols->debug_path = debug_path;
    symbols->debug_fd = debug_fd;
    if (!open_module(symbols, path, fd)) {
        c_symbols_close(symbols);
        return NULL;
    }
    Dwarf *dwarf = dwfl_module_getdwarf(symbols->module, &symbols->dwarf_bias);
    symbols->has_dwarf = dwarf != NULL && dwarf_index_open(&symbols->dwarf, dwarf);
    read_symbols(symbols);
    return symbols;
}

void c_symbols_close(struct c_symbols *symbols)
{
    if (symbols == NULL)
        return;
    dwarf_index_close(&symbols->dwarf);
    free(symbols->symbols);
    dwfl_end(symbols->dwfl);
    free(symbols);
}

uint32_t c_symbols_resolve(struct c_symbols *symbols, uint64_t address, struct c_frame *frames, uint32_t frames_max)
{
    uint32_t count = 0;
    if (symbols->has_dwarf)
        count = dwarf_index_resolve(&symbols->dwarf, address - symbols->dwarf_bias, frames, frames_max);
    if (count > 1 || (count == 1 && frames[0].function != NULL))
        return count;
    if (count == 0)
        frames[0] = (struct c_frame){0};
    frames[0].function = find_symbol(symbols, address);
    return count > 0 || frames[0].function != NULL;
}
