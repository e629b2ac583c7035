/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: an INF file. Whatever is in it, reading ends with an INF or one
 * line, every value can be looked at, and a choice is made without a fault.
 */
#include "inf/inf.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t look_at(const struct inf_section *section)
{
    size_t characters = 0;

    for (const struct inf_line *line = section != NULL ? section->first : NULL; line != NULL;
         line = line->next) {
        characters += line->key != NULL ? strlen(line->key) : 0;
        for (unsigned i = 0; i < line->count; i++)
            characters += strlen(inf_value(line, i));
    }
    return characters;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct inf_system system = {10, 0, 19045, 1, 0x100};
    static const char *const hardware[] = {"PCI\\VEN_1AF4&DEV_1000", "ROOT\\DEVICE"}, *const compatible[] = {
                                                                                          "PCI\\CC_0200"};
    const struct inf_ids ids = {hardware, compatible, 2, 1};
    struct inf_error error;
    struct inf_match match;
    struct inf *inf = inf_open(data, size, 0x409, &error);

    if (inf == NULL)
        return 0;
    look_at(inf_section(inf, "Strings"));
    if (inf_match(inf, &system, &ids, &match)) {
        look_at(inf_install_section(inf, match.install, ""));
        look_at(inf_install_section(inf, match.install, ".Services"));
    }
    inf_close(inf);
    return 0;
}
