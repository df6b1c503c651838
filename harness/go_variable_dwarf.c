/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading Go's DWARF.
 *
 * A type that has a name comes twice, as the type and as a typedef for it; a map is a typedef for a pointer to what the
 * runtime has, an interface one for a struct of it. What a type is to Go is in an attribute (go_kind) that the mere
 * typedef has not; pointers that only the linker made have none either.
 */
#include "harness/go_variable_dwarf.h"

#include <dwarf.h>
#include <stddef.h>
#include <string.h>

enum { TYPEDEFS_MAX = 16, ENTRIES_MAX = 1 << 22, UNITS_MAX = 1 << 20, MEMBERS_MAX = 1 << 16, KIND_MASK = 31 };

/* Go's own attributes and its language (cmd/internal/dwarf/dwarf.go). */
enum { AT_GO_KIND = 0x2900, AT_GO_ELEM = 0x2902, AT_GO_EMBEDDED = 0x2903, AT_GO_RUNTIME_TYPE = 0x2904, LANG_GO = 0x16 };

enum { POINTER_BYTES = 8, INTERFACE_BYTES = 16 };

static bool read_number(Dwarf_Die *die, unsigned name, uint64_t *number)
{
    Dwarf_Attribute attribute;
    Dwarf_Word word;
    if (dwarf_attr(die, name, &attribute) == NULL || dwarf_formudata(&attribute, &word) != 0)
        return false;
    *number = word;
    return true;
}

static const char *read_name(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    return dwarf_formstring(dwarf_attr(die, DW_AT_name, &attribute));
}

static bool refer(const Dwarf_Die *die, unsigned name, Dwarf_Die *to)
{
    Dwarf_Attribute attribute;
    Dwarf_Die copy = *die;
    return dwarf_attr(&copy, name, &attribute) != NULL && dwarf_formref_die(&attribute, to) != NULL;
}

/* ---- types ---- */

static enum go_kind kind_of(Dwarf_Die *die)
{
    uint64_t kind;
    if (!read_number(die, AT_GO_KIND, &kind))
        return dwarf_tag(die) == DW_TAG_pointer_type ? GO_KIND_POINTER : GO_KIND_OTHER;
    kind &= KIND_MASK;
    return (kind >= GO_KIND_ARRAY && kind <= GO_KIND_SLICE) || kind == GO_KIND_STRUCT ? (enum go_kind)kind
                                                                                      : GO_KIND_OTHER;
}

static bool is_mere_name(Dwarf_Die *die)
{
    return dwarf_tag(die) == DW_TAG_typedef && dwarf_hasattr(die, AT_GO_KIND) == 0;
}

/* The type at `type->die`, which is filled. */
static bool complete(struct go_dwarf_type *type)
{
    for (unsigned i = 0; i < TYPEDEFS_MAX && is_mere_name(&type->die); i++) {
        Dwarf_Die named = type->die;
        if (!refer(&named, DW_AT_type, &type->die))
            return false;
    }
    type->kind = kind_of(&type->die);
    type->name = read_name(&type->die);
    return type->name != NULL && !is_mere_name(&type->die);
}

static bool follow(const Dwarf_Die *die, unsigned attribute, struct go_dwarf_type *type)
{
    return refer(die, attribute, &type->die) && complete(type);
}

bool go_dwarf_type_element(const struct go_dwarf_type *type, struct go_dwarf_type *element)
{
    Dwarf_Die die = type->die;
    return follow(&die, type->kind == GO_KIND_SLICE ? AT_GO_ELEM : DW_AT_type, element);
}

bool go_dwarf_type_length(const struct go_dwarf_type *array, uint64_t *length)
{
    Dwarf_Die die = array->die, range;
    return dwarf_child(&die, &range) == 0 && dwarf_tag(&range) == DW_TAG_subrange_type &&
           read_number(&range, DW_AT_count, length);
}

bool go_dwarf_type_bytes(const struct go_dwarf_type *type, uint64_t *bytes)
{
    Dwarf_Die die = type->die;
    switch (type->kind) {
    case GO_KIND_CHAN:
    case GO_KIND_FUNC:
    case GO_KIND_MAP:
    case GO_KIND_POINTER:
        *bytes = POINTER_BYTES;
        return true;
    case GO_KIND_INTERFACE:
        *bytes = INTERFACE_BYTES;
        return true;
    case GO_KIND_OTHER:
    case GO_KIND_ARRAY:
    case GO_KIND_SLICE:
    case GO_KIND_STRING:
    case GO_KIND_STRUCT:
    case GO_KIND_UNSAFE_POINTER:
    case GO_KINDS:
        break;
    }
    return read_number(&die, DW_AT_byte_size, bytes);
}

/* By form an address, by value a distance (harness/go_variable_file.c). */
uint64_t go_dwarf_type_descriptor(const struct go_dwarf_type *type)
{
    Dwarf_Die die = type->die;
    Dwarf_Attribute attribute;
    Dwarf_Addr distance;
    return dwarf_attr(&die, AT_GO_RUNTIME_TYPE, &attribute) != NULL && dwarf_formaddr(&attribute, &distance) == 0
               ? distance
               : 0;
}

/* ---- members ---- */

static bool read_member(struct go_member *member)
{
    Dwarf_Attribute attribute;
    bool is_embedded = false;
    member->name = read_name(&member->at);
    member->is_embedded = dwarf_attr(&member->at, AT_GO_EMBEDDED, &attribute) != NULL &&
                          dwarf_formflag(&attribute, &is_embedded) == 0 && is_embedded;
    return dwarf_tag(&member->at) == DW_TAG_member && member->name != NULL &&
           read_number(&member->at, DW_AT_data_member_location, &member->offset_bytes) &&
           follow(&member->at, DW_AT_type, &member->type);
}

bool go_member_next(struct go_member *member, const struct go_dwarf_type *structure)
{
    Dwarf_Die die = structure->die;
    for (;;) {
        if (member->number++ == MEMBERS_MAX)
            return false;
        if ((member->is_begun ? dwarf_siblingof(&member->at, &member->at) : dwarf_child(&die, &member->at)) != 0)
            return false;
        member->is_begun = true;
        if (read_member(member))
            return true;
    }
}

/* ---- units and their entries ---- */

static bool is_of_go(Dwarf_Die *die)
{
    return dwarf_tag(die) == DW_TAG_compile_unit && dwarf_srclang(die) == LANG_GO;
}

bool go_unit_next(struct go_unit *unit, Dwarf *dwarf)
{
    uint8_t type;
    while (unit->number++ < UNITS_MAX &&
           dwarf_get_units(dwarf, unit->unit, &unit->unit, NULL, &type, &unit->die, NULL) == 0) {
        if (type != DW_UT_compile || !is_of_go(&unit->die))
            continue;
        unit->package = read_name(&unit->die);
        if (unit->package != NULL)
            return true;
    }
    return false;
}

bool go_entries_next(struct go_entries *entries, struct go_unit *unit)
{
    if (entries->number++ == ENTRIES_MAX)
        return false;
    int result =
        entries->is_begun ? dwarf_siblingof(&entries->at, &entries->at) : dwarf_child(&unit->die, &entries->at);
    entries->is_begun = true;
    return result == 0;
}

/* DW_OP_addr and the address, in a block: Go's linker uses this form in DWARF 4 and 5 too, where libdw's own reader of
 * locations refuses it. */
static bool read_block(Dwarf_Attribute *attribute, Dwarf_Addr *address)
{
    Dwarf_Block block;
    if (dwarf_formblock(attribute, &block) != 0 || block.length != 1 + sizeof *address || block.data[0] != DW_OP_addr)
        return false;
    memcpy(address, block.data + 1, sizeof *address);
    return true;
}

/* By its index in the table of addresses that DWARF 5 has. */
static bool read_index(Dwarf_Attribute *attribute, Dwarf_Addr *address)
{
    Dwarf_Attribute indexed;
    Dwarf_Op *operations;
    size_t count;
    return dwarf_getlocation(attribute, &operations, &count) == 0 && count == 1 && operations[0].atom == DW_OP_addrx &&
           dwarf_getlocation_attr(attribute, &operations[0], &indexed) == 0 && dwarf_formaddr(&indexed, address) == 0;
}

static bool read_address(Dwarf_Die *entry, uintptr_t *address)
{
    Dwarf_Attribute attribute;
    Dwarf_Addr found;
    if (dwarf_attr(entry, DW_AT_location, &attribute) == NULL ||
        (!read_block(&attribute, &found) && !read_index(&attribute, &found)))
        return false;
    *address = found;
    return found != 0;
}

bool go_variable_of(struct go_variable *variable, Dwarf_Die *entry)
{
    if (dwarf_tag(entry) != DW_TAG_variable)
        return false;
    variable->name = read_name(entry);
    return variable->name != NULL && read_address(entry, &variable->address) &&
           follow(entry, DW_AT_type, &variable->type);
}

bool go_dwarf_map_type_of(struct go_dwarf_type *type, Dwarf_Die *entry)
{
    if (dwarf_tag(entry) != DW_TAG_typedef)
        return false;
    type->die = *entry;
    type->kind = kind_of(entry);
    type->name = read_name(entry);
    return type->kind == GO_KIND_MAP && type->name != NULL;
}
