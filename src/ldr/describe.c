/* SPDX-License-Identifier: MIT */
/*
 * An address in words: "hello.sys!HelloRead+0x12", "hello.sys+.text+0x40",
 * "ntoskrnl!IoFoo (not provided)". Used on failing threads: no lock, no
 * allocation, nothing that faults.
 */
#include "ldr/image.h"

static const IMAGE_SECTION_HEADER *section_of(const struct ldr_image *image, ULONG rva)
{
    for (ULONG i = 0; i < image->section_count; i++) {
        const IMAGE_SECTION_HEADER *section = &image->sections[i];
        if (rva >= section->VirtualAddress && rva - section->VirtualAddress < ldr_section_bytes(section))
            return section;
    }
    return NULL;
}

/* What follows the name: the source line if it is known, and that the code is no longer there. */
struct suffix {
    char text[96];
};

static struct suffix suffix_of(struct ldr_image *image, ULONG rva)
{
    const struct ldr_line *line = ldr_line_of(image, rva);
    bool gone = image->init_discarded && hmem_pfn_of((const char *)image->base + rva) == HMEM_NO_PFN;
    struct suffix suffix = {""};

    if (line != NULL && __builtin_strlen(line->file) < 48)
        host_snprintf(suffix.text, sizeof(suffix.text), " (%s:%u)%s", line->file, line->line,
                      gone ? " (discarded after DriverEntry)" : "");
    else if (gone)
        host_snprintf(suffix.text, sizeof(suffix.text), " (discarded after DriverEntry)");
    return suffix;
}

static int describe_rva(struct ldr_image *image, ULONG rva, char *text, size_t size)
{
    const IMAGE_SECTION_HEADER *section = section_of(image, rva);
    const struct ldr_symbol *symbol = ldr_nearest_symbol(image, rva);
    struct suffix suffix = suffix_of(image, rva);
    struct ldr_section_name name;

    if (section == NULL)
        return host_snprintf(text, size, "%s+0x%x", image->name, rva);
    if (symbol != NULL && symbol->rva >= section->VirtualAddress) {
        if (symbol->rva == rva)
            return host_snprintf(text, size, "%s!%s%s", image->name, symbol->name, suffix.text);
        return host_snprintf(text, size, "%s!%s+0x%x%s", image->name, symbol->name, rva - symbol->rva,
                             suffix.text);
    }
    name = ldr_section_name(section);
    return host_snprintf(text, size, "%s+%s+0x%x%s", image->name, name.text, rva - section->VirtualAddress,
                         suffix.text);
}

static int describe_runtime(const void *address, char *text, size_t size)
{
    const char *module, *name;

    if (arch_missing_import_name(address, &module, &name))
        return host_snprintf(text, size, "%s!%s (not provided)", module, name);
    for (const struct export_entry *entry = __start_rl_exports; entry < __stop_rl_exports; entry++) {
        if (entry->address == address)
            return host_snprintf(text, size, "%s!%s", entry->module, entry->name);
    }
    return host_snprintf(text, size, "0x%llx", (unsigned long long)(uintptr_t)address);
}

int ldr_describe(const void *address, char *text, size_t size)
{
    struct ldr_image *image = ldr_find(address);
    ULONG64 where = (uintptr_t)address;

    if (image == NULL)
        return describe_runtime(address, text, size);
    if (where - image->arch.base >= image->arch.size && image->arch.thunk_to_original != NULL)
        where = image->arch.thunk_to_original(&image->arch, where);
    if (where - image->arch.base >= image->arch.size)
        return host_snprintf(text, size, "%s, patched code", image->name);
    return describe_rva(image, (ULONG)(where - image->arch.base), text, size);
}
