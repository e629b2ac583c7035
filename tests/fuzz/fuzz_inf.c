/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: an INF file. Whatever is in it, reading ends with an INF or one
 * line, every value can be looked at, a choice is made, and what the chosen
 * section would do is planned, without a fault.
 */
#include "inf/plan.h"

#include <stdint.h>
#include <stdlib.h>
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

static size_t plan(const struct inf *inf, const struct inf_match *match)
{
    const struct inf_loader loader = {.file_name = "fuzz.inf"};
    struct inf_error error;
    struct inf_plan *made =
        match != NULL ? inf_plan_device(inf, match, &loader, &error) : inf_plan_default(inf, &loader, &error);
    size_t bytes = 0;

    for (const struct inf_step *step = made != NULL ? inf_plan_steps(made) : NULL; step != NULL;
         step = step->next)
        for (ULONG i = 0; i < step->length; i++)
            bytes += ((const unsigned char *)step->data)[i];
    inf_plan_free(made);
    return bytes;
}

static void read_bytes(const uint8_t *data, size_t size)
{
    static const struct inf_system system = {10, 0, 19045, 1, 0x100};
    static const char *const hardware[] = {"PCI\\VEN_1AF4&DEV_1000", "ROOT\\DEVICE"}, *const compatible[] = {
                                                                                          "PCI\\CC_0200"};
    const struct inf_ids ids = {hardware, compatible, 2, 1};
    struct inf_error error;
    struct inf_match match;
    struct inf *inf = inf_open(data, size, 0x409, &error);

    if (inf == NULL)
        return;
    look_at(inf_section(inf, "Strings"));
    if (inf_match(inf, &system, &ids, &match)) {
        look_at(inf_install_section(inf, match.install, ""));
        look_at(inf_install_section(inf, match.install, ".Services"));
        plan(inf, &match);
    }
    plan(inf, NULL);
    inf_close(inf);
}

/* Bytes that no text has stand for the signs that the reader looks for. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char signs[] = "\n,=%\"[];\\-@:(){}.0x";
    uint8_t *text = malloc(size + 1);

    read_bytes(data, size);
    if (text == NULL)
        return 0;
    for (size_t i = 0; i < size; i++)
        text[i] =
            data[i] == 0 || data[i] >= 0x80 ? (uint8_t)signs[(data[i] + i) % (sizeof(signs) - 1)] : data[i];
    read_bytes(text, size);
    free(text);
    return 0;
}
