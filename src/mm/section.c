/* SPDX-License-Identifier: MIT */
/*
 * Section objects and their views. A section is page-file backed (its frames
 * come from RAM and all views share them) or is the machine's physical memory.
 * Sections of files and images are refused: no file of this machine supports
 * them.
 */
#include "mm/section.h"
#include "ob/object.h"
#include "rtl/rtl.h"

#define SECTION_TAG      0x74636553u /* 'Sect' */
#define LARGEST_SECTION  (1ull << 40)
#define PHYSICAL_SECTION (1ull << 52)

struct ob_type *mm_section_type;
EXPORT_DATA(ntoskrnl, MmSectionObjectType)
POBJECT_TYPE MmSectionObjectType;

static void delete_section(void *body)
{
    struct mm_section *section = body;
    if (section->pfns != NULL)
        hmem_unlock_pages(section->pfns, section->bytes / PAGE_SIZE);
    mm_free(section->pfns);
}

static const struct ob_type_ops section_ops = {
    .name = "Section",
    .pool_tag = SECTION_TAG,
    .mapping = {STANDARD_RIGHTS_READ | SECTION_QUERY | SECTION_MAP_READ,
                STANDARD_RIGHTS_WRITE | SECTION_MAP_WRITE, STANDARD_RIGHTS_EXECUTE | SECTION_MAP_EXECUTE,
                SECTION_ALL_ACCESS},
    .valid_access = SECTION_ALL_ACCESS,
    .dispatcher_offset = -1,
    .delete_ = delete_section,
};

/* All pages, in as few runs as RAM allows; false: not enough, and none are kept. */
static bool take_pages(uint64_t *pfns, size_t pages)
{
    for (size_t got = 0, run = pages; got < pages;) {
        run = MIN(run, pages - got);
        uint64_t first = hmem_alloc_contiguous(run, 0, ~0ull, 0);
        if (first == HMEM_NO_PFN && run == 1) {
            hmem_unlock_pages(pfns, got);
            return false;
        }
        if (first == HMEM_NO_PFN) {
            run /= 2;
            continue;
        }
        for (size_t i = 0; i < run; i++)
            pfns[got++] = first + i;
    }
    return true;
}

static NTSTATUS create_backed(uint64_t bytes, enum hmem_protection protection, struct mm_section **created)
{
    size_t pages = bytes / PAGE_SIZE;
    struct mm_section *section = ob_create(mm_section_type, sizeof *section);
    if (section == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    uint64_t *pfns = pages <= hmem_free_page_count() ? mm_alloc(pages * sizeof *pfns, SECTION_TAG) : NULL;
    if (pfns == NULL || !take_pages(pfns, pages)) {
        mm_free(pfns);
        ob_dereference(section);
        return STATUS_COMMITMENT_LIMIT;
    }
    *section = (struct mm_section){.bytes = bytes, .protection = protection, .pfns = pfns};
    *created = section;
    return STATUS_SUCCESS;
}

/* Why the handle of a file does not do: it is none, it is no file's, or the file has nothing to map. */
static NTSTATUS refuse_file(HANDLE file)
{
    void *object;
    NTSTATUS status = ob_reference_by_handle(file, 0, NULL, ke_previous_mode(), &object, NULL);
    if (!NT_SUCCESS(status))
        return status;
    bool is_file = strcmp(ob_type_of(object)->ops.name, "File") == 0;
    ob_dereference(object);
    return is_file ? STATUS_INVALID_FILE_FOR_SECTION : STATUS_OBJECT_TYPE_MISMATCH;
}

/* The parameters that creation has in common for both services. */
static NTSTATUS create_section(const LARGE_INTEGER *size, ULONG protect, ULONG attributes, HANDLE file,
                               struct mm_section **section)
{
    enum hmem_protection protection;
    ULONG kind = attributes & ~(ULONG)(SEC_NOCACHE | MEM_TOP_DOWN);
    if (kind != SEC_COMMIT && kind != SEC_RESERVE && kind != SEC_IMAGE)
        return STATUS_INVALID_PARAMETER_6;
    if (!mm_protection_of_page(protect, &protection) || protection == HMEM_NONE)
        return STATUS_INVALID_PAGE_PROTECTION;
    if (file != NULL)
        return refuse_file(file);
    if (kind == SEC_IMAGE)
        return STATUS_INVALID_FILE_FOR_SECTION;
    if (size == NULL || size->QuadPart <= 0)
        return STATUS_INVALID_PARAMETER_4;
    if ((uint64_t)size->QuadPart > LARGEST_SECTION)
        return STATUS_SECTION_TOO_BIG;
    return create_backed(ALIGN_UP(size->QuadPart, PAGE_SIZE), protection, section);
}

/* Creates a page-file backed section; all its pages are committed at once. */
EXPORT(ntoskrnl, NtCreateSection, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtCreateSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                               POBJECT_ATTRIBUTES ObjectAttributes, PLARGE_INTEGER MaximumSize,
                               ULONG SectionPageProtection, ULONG AllocationAttributes, HANDLE FileHandle)
{
    LARGE_INTEGER size = {.QuadPart = 0};
    struct mm_section *section;
    NTSTATUS status =
        MaximumSize ? ob_copy_in(&size, MaximumSize, sizeof size, ke_previous_mode()) : STATUS_SUCCESS;
    if (NT_SUCCESS(status))
        status = create_section(&size, SectionPageProtection, AllocationAttributes, FileHandle, &section);
    return NT_SUCCESS(status) ? ob_create_service(section, SectionHandle, DesiredAccess, ObjectAttributes)
                              : status;
}

EXPORT(ntoskrnl, ZwCreateSection, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwCreateSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                               POBJECT_ATTRIBUTES ObjectAttributes, PLARGE_INTEGER MaximumSize,
                               ULONG SectionPageProtection, ULONG AllocationAttributes, HANDLE FileHandle)
{
    return ZW_CALL(NtCreateSection(SectionHandle, DesiredAccess, ObjectAttributes, MaximumSize,
                                   SectionPageProtection, AllocationAttributes, FileHandle));
}

EXPORT(ntoskrnl, ZwOpenSection, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwOpenSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,
                             POBJECT_ATTRIBUTES ObjectAttributes)
{
    return ZW_CALL(ob_open_service(SectionHandle, DesiredAccess, ObjectAttributes, mm_section_type));
}

static NTSTATUS make_physical_memory(void)
{
    UNICODE_STRING name;
    struct mm_section *section = ob_create(mm_section_type, sizeof *section);
    if (section == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    *section = (struct mm_section){.bytes = PHYSICAL_SECTION, .protection = HMEM_RWX, .physical = true};
    rtl_init_string(&name, u"\\Device\\PhysicalMemory");
    NTSTATUS status = ob_insert(section, &name, NULL, OBJ_PERMANENT | OBJ_CASE_INSENSITIVE);
    ob_dereference(section);
    return status;
}

NTSTATUS mm_section_init(void)
{
    mm_section_type = ob_type_create(&section_ops);
    if (mm_section_type == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    MmSectionObjectType = ob_type_object(mm_section_type);
    return make_physical_memory();
}
