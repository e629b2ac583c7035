/* SPDX-License-Identifier: MIT */
/*
 * An image's pages: where they go, what is in them, how they are protected.
 * While the loader works on them they are read-write and not executable; the
 * file's protection is set last. No page of a well-formed image is writable
 * and executable unless the file asks for it.
 */
#include "ldr/image.h"
#include "base/seams.h"

static bool wants_preferred_base(const struct ldr_file *file)
{
    return (file->headers.FileHeader.Characteristics & IMAGE_FILE_RELOCS_STRIPPED) != 0;
}

/*
 * An image whose fixups were stripped runs at its preferred base or not at all. One that merely has none is
 * position independent.
 */
static bool reserve_pages(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error)
{
    size_t pages = ldr_image_pages(file);

    if (!wants_preferred_base(file)) {
        image->base = hmem_reserve(HMEM_IMAGE, pages, 16, 1);
        return image->base != NULL || ldr_no_memory(error);
    }
    if (image->preferred_base == NULL || !NT_SUCCESS(hmem_reserve_at(image->preferred_base, pages)))
        return ldr_fail(
            error, LDR_CANNOT_LOAD,
            "cannot load: relocations are stripped and the preferred base 0x%llx is not available",
            (unsigned long long)(uintptr_t)image->preferred_base);
    image->base = image->preferred_base;
    return true;
}

static void copy_sections(struct ldr_image *image, const struct ldr_file *file)
{
    char *base = image->base;
    ULONG headers = file->headers.OptionalHeader.SizeOfHeaders;
    ULONG image_base_at;
    ULONGLONG where = (uintptr_t)base;

    __builtin_memcpy(base, file->bytes, headers);
    __builtin_memcpy(&image_base_at, base + offsetof(IMAGE_DOS_HEADER, e_lfanew), sizeof(image_base_at));
    image_base_at += offsetof(IMAGE_NT_HEADERS64, OptionalHeader.ImageBase);
    if (image_base_at + sizeof(where) <= headers)
        __builtin_memcpy(base + image_base_at, &where, sizeof(where));
    for (unsigned i = 0; i < file->section_count; i++) {
        const IMAGE_SECTION_HEADER *section = &file->sections[i];
        ULONG length = MIN(section->SizeOfRawData, ldr_section_bytes(section));
        if (section->PointerToRawData != 0)
            __builtin_memcpy(base + section->VirtualAddress, file->bytes + section->PointerToRawData, length);
    }
}

bool ldr_map_image(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error)
{
    size_t pages = ldr_image_pages(file);

    image->preferred_base = (void *)(uintptr_t)file->headers.OptionalHeader.ImageBase;
    image->size = pages << PAGE_SHIFT;
    if (!reserve_pages(image, file, error))
        return false;
    if (!NT_SUCCESS(hmem_commit(image->base, pages, HMEM_RW))) {
        hmem_release(image->base, pages);
        image->base = NULL;
        return ldr_fail(error, LDR_CANNOT_LOAD,
                        "cannot load: the image needs %u KiB, the simulated machine has less",
                        (unsigned)(image->size >> 10));
    }
    copy_sections(image, file);
    return true;
}

void ldr_unmap_image(struct ldr_image *image)
{
    if (image->base != NULL && seam_vf != NULL && seam_vf->memory_gone)
        seam_vf->memory_gone(image->base, image->size);
    if (image->base != NULL)
        hmem_release(image->base, image->size >> PAGE_SHIFT);
    image->base = NULL;
}

static bool apply_fixup(ULONG rva, unsigned type, void *context)
{
    const struct ldr_image *image = context;
    ULONGLONG delta = (uintptr_t)image->base - (uintptr_t)image->preferred_base, value = 0;
    unsigned width = type == IMAGE_REL_BASED_DIR64 ? 8 : 4;
    char *at = (char *)image->base + rva;

    __builtin_memcpy(&value, at, width);
    value += delta;
    __builtin_memcpy(at, &value, width);
    return true;
}

bool ldr_relocate_image(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error)
{
    return image->base == image->preferred_base || ldr_for_each_fixup(file, apply_fixup, image, error);
}

static enum hmem_protection section_protection(const IMAGE_SECTION_HEADER *section)
{
    unsigned protection = HMEM_R;

    if (section->Characteristics & IMAGE_SCN_MEM_WRITE)
        protection |= HMEM_W;
    if (section->Characteristics & IMAGE_SCN_MEM_EXECUTE)
        protection |= HMEM_X;
    return (enum hmem_protection)protection;
}

/* Several sections share a page only in images whose alignment is below a page: each gets what any of them
 * needs. */
static enum hmem_protection page_protection(const struct ldr_file *file, uint64_t rva)
{
    unsigned protection = rva < file->headers.OptionalHeader.SizeOfHeaders ? HMEM_R : HMEM_NONE;

    for (unsigned i = 0; i < file->section_count; i++) {
        const IMAGE_SECTION_HEADER *section = &file->sections[i];
        uint64_t start = section->VirtualAddress, end = start + ldr_section_bytes(section);
        if (start < rva + PAGE_SIZE && end > rva)
            protection |= section_protection(section);
    }
    return (enum hmem_protection)protection;
}

bool ldr_protect_image(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error)
{
    size_t start = 0;

    while (start < image->size) {
        enum hmem_protection protection = page_protection(file, start);
        size_t end = start + PAGE_SIZE;
        while (end < image->size && page_protection(file, end) == protection)
            end += PAGE_SIZE;
        if (!NT_SUCCESS(hmem_protect((char *)image->base + start, (end - start) >> PAGE_SHIFT, protection)))
            return ldr_no_memory(error);
        start = end;
    }
    hmem_open_to_debugger(image->base, image->size >> PAGE_SHIFT);
    return true;
}

/* A discardable section: its linker said so, or it bears the name that the build tools give to such code. */
static bool is_discardable(const IMAGE_SECTION_HEADER *section)
{
    struct ldr_section_name name = ldr_section_name(section);

    return (section->Characteristics & IMAGE_SCN_MEM_DISCARDABLE) != 0 ||
           __builtin_strcmp(name.text, "INIT") == 0 || __builtin_strcmp(name.text, ".INIT") == 0;
}

static bool page_has_kept_section(const struct ldr_image *image, uint64_t page)
{
    const IMAGE_DOS_HEADER *dos = image->base;

    if (page < (uint64_t)dos->e_lfanew + sizeof(IMAGE_NT_HEADERS64))
        return true;
    for (ULONG i = 0; i < image->section_count; i++) {
        const IMAGE_SECTION_HEADER *section = &image->sections[i];
        uint64_t start = section->VirtualAddress, end = start + ldr_section_bytes(section);
        if (start < page + PAGE_SIZE && end > page && !is_discardable(section))
            return true;
    }
    return false;
}

/* After DriverEntry: gives back the pages of discardable sections. A touch faults, and ldr_describe says why.
 */
void ldr_discard_init(struct ldr_image *image)
{
    if (image->init_discarded)
        return;
    for (ULONG i = 0; i < image->section_count; i++) {
        const IMAGE_SECTION_HEADER *section = &image->sections[i];
        uint64_t page = ALIGN_DOWN(section->VirtualAddress, PAGE_SIZE);
        uint64_t end = ALIGN_UP(section->VirtualAddress + (uint64_t)ldr_section_bytes(section), PAGE_SIZE);

        if (!is_discardable(section))
            continue;
        for (; page < end; page += PAGE_SIZE) {
            if (!page_has_kept_section(image, page))
                hmem_decommit((char *)image->base + page, 1);
        }
    }
    image->init_discarded = true;
}
