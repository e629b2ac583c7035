/* SPDX-License-Identifier: MIT */
/*
 * Views of sections: in the user range by handle, in system space by object.
 * The view's record (ranges.h) keeps the section referenced.
 */
#include "mm/process.h"
#include "mm/query.h"
#include "mm/section.h"

#define GRANULARITY 0x10000ull

static NTSTATUS map_frames(struct mm_section *section, struct mm_range *range, uint64_t offset,
                           enum hmem_protection protection)
{
    if (section->physical)
        return hmem_map_run(range->base, offset / PAGE_SIZE, range->pages, protection);
    return hmem_map(range->base, section->pfns + offset / PAGE_SIZE, range->pages, protection);
}

NTSTATUS mm_view_map(struct mm_section *section, enum hmem_zone zone, void *at, uint64_t offset, size_t bytes,
                     enum hmem_protection protection, const void *caller, void **base)
{
    struct mm_range *range = mm_range_create(MM_RANGE_VIEW, zone, at, bytes / PAGE_SIZE, caller);
    if (range == NULL)
        return at ? STATUS_CONFLICTING_ADDRESSES : STATUS_NO_MEMORY;
    NTSTATUS status = map_frames(section, range, offset, protection);
    if (!NT_SUCCESS(status)) {
        mm_range_destroy(range);
        return status;
    }
    ob_reference(section);
    range->object = section;
    range->protection = protection;
    *base = range->base;
    return STATUS_SUCCESS;
}

NTSTATUS mm_view_unmap(const void *address)
{
    void *base;
    struct mm_range *range = hmem_reservation_of(address, &base) ? mm_range_find(base, MM_RANGE_VIEW) : NULL;
    if (range == NULL)
        return STATUS_NOT_MAPPED_VIEW;
    void *section = range->object;
    mm_range_destroy(range);
    ob_dereference(section);
    return STATUS_SUCCESS;
}

struct view_parameters {
    char *base;
    LARGE_INTEGER offset;
    SIZE_T size;
};

static NTSTATUS read_view(struct view_parameters *view, PVOID *base, PLARGE_INTEGER offset, PSIZE_T size)
{
    KPROCESSOR_MODE mode = ke_previous_mode();
    view->offset.QuadPart = 0;
    NTSTATUS status = ob_copy_in(&view->base, base, sizeof *base, mode);
    if (NT_SUCCESS(status))
        status = ob_copy_in(&view->size, size, sizeof *size, mode);
    if (NT_SUCCESS(status) && offset != NULL)
        status = ob_copy_in(&view->offset, offset, sizeof *offset, mode);
    return status;
}

static NTSTATUS write_view(const struct view_parameters *view, PVOID *base, PLARGE_INTEGER offset,
                           PSIZE_T size)
{
    KPROCESSOR_MODE mode = ke_previous_mode();
    NTSTATUS status = ob_copy_out(base, &view->base, sizeof *base, mode);
    if (NT_SUCCESS(status))
        status = ob_copy_out(size, &view->size, sizeof *size, mode);
    if (NT_SUCCESS(status) && offset != NULL)
        status = ob_copy_out(offset, &view->offset, sizeof *offset, mode);
    return status;
}

/* An address and, but for physical memory, an offset between allocations are refused. */
static bool aligned(const struct mm_section *section, const struct view_parameters *view)
{
    return (uintptr_t)view->base % GRANULARITY == 0 &&
           (section->physical || (uint64_t)view->offset.QuadPart % GRANULARITY == 0);
}

/* Offset and size as they will be: the offset down to 64 KiB (of physical memory), and the size grows by what
 * that adds; the size up to pages, 0 to the section's end. */
static NTSTATUS settle_view(const struct mm_section *section, struct view_parameters *view)
{
    uint64_t offset = (uint64_t)view->offset.QuadPart, start = ALIGN_DOWN(offset, GRANULARITY);
    if (offset >= section->bytes || view->size > HMEM_USER_PROBE)
        return STATUS_INVALID_VIEW_SIZE;
    uint64_t size = view->size ? ALIGN_UP(view->size + (offset - start), PAGE_SIZE) : section->bytes - start;
    if (size > section->bytes - start || size > HMEM_USER_PROBE)
        return STATUS_INVALID_VIEW_SIZE;
    view->offset.QuadPart = (LONGLONG)start;
    view->size = size;
    return STATUS_SUCCESS;
}

static bool zero_bits_hold(const struct view_parameters *view, ULONG_PTR zero_bits)
{
    return zero_bits == 0 || (uintptr_t)view->base + view->size - 1 < 1ull << (32 - zero_bits);
}

static NTSTATUS map_user_view(struct mm_section *section, struct view_parameters *view, ULONG_PTR zero_bits,
                              SIZE_T commit, enum hmem_protection protection, const void *caller)
{
    bool anywhere = view->base == NULL;
    if (!aligned(section, view))
        return STATUS_MAPPED_ALIGNMENT;
    NTSTATUS status = settle_view(section, view);
    if (!NT_SUCCESS(status))
        return status;
    if (commit > view->size)
        return STATUS_INVALID_PARAMETER_5;
    if (protection & ~section->protection)
        return STATUS_SECTION_PROTECTION;
    if (!anywhere && !mm_user_range_ok(view->base, view->size))
        return STATUS_INVALID_PARAMETER_3;
    status = mm_view_map(section, HMEM_USER, view->base, (uint64_t)view->offset.QuadPart, view->size,
                         protection, caller, (void **)&view->base);
    if (NT_SUCCESS(status) && anywhere && !zero_bits_hold(view, zero_bits)) {
        mm_view_unmap(view->base);
        status = STATUS_NO_MEMORY;
    }
    return status;
}

static ACCESS_MASK access_for(enum hmem_protection protection)
{
    return (protection & HMEM_W ? SECTION_MAP_WRITE : SECTION_MAP_READ) |
           (protection & HMEM_X ? SECTION_MAP_EXECUTE : 0);
}

static NTSTATUS check_map_parameters(ULONG_PTR zero_bits, SECTION_INHERIT inherit, ULONG allocation,
                                     ULONG protect, enum hmem_protection *protection)
{
    if (zero_bits > 20)
        return STATUS_INVALID_PARAMETER_4;
    if (inherit != ViewShare && inherit != ViewUnmap)
        return STATUS_INVALID_PARAMETER_8;
    if (allocation & ~(ULONG)(MEM_RESERVE | MEM_TOP_DOWN))
        return STATUS_INVALID_PARAMETER_9;
    return mm_protection_of_page(protect, protection) ? STATUS_SUCCESS : STATUS_INVALID_PAGE_PROTECTION;
}

/* Maps a view of a section into the user range. For \Device\PhysicalMemory the offset is a physical address;
 * device memory and addresses with nothing behind them are mapped as MmMapIoSpace does. */
EXPORT(ntoskrnl, NtMapViewOfSection, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtMapViewOfSection(HANDLE SectionHandle, HANDLE ProcessHandle, PVOID *BaseAddress,
                                  ULONG_PTR ZeroBits, SIZE_T CommitSize, PLARGE_INTEGER SectionOffset,
                                  PSIZE_T ViewSize, SECTION_INHERIT InheritDisposition, ULONG AllocationType,
                                  ULONG Win32Protect)
{
    struct view_parameters view;
    enum hmem_protection protection;
    void *section;
    NTSTATUS status =
        check_map_parameters(ZeroBits, InheritDisposition, AllocationType, Win32Protect, &protection);
    if (NT_SUCCESS(status))
        status = read_view(&view, BaseAddress, SectionOffset, ViewSize);
    if (NT_SUCCESS(status))
        status = mm_check_process(ProcessHandle, PROCESS_VM_OPERATION);
    if (NT_SUCCESS(status))
        status = ob_reference_by_handle(SectionHandle, access_for(protection), mm_section_type,
                                        ke_previous_mode(), &section, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = map_user_view(section, &view, ZeroBits, CommitSize, protection, mm_service_caller());
    ob_dereference(section);
    return NT_SUCCESS(status) ? write_view(&view, BaseAddress, SectionOffset, ViewSize) : status;
}

EXPORT(ntoskrnl, ZwMapViewOfSection, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwMapViewOfSection(HANDLE SectionHandle, HANDLE ProcessHandle, PVOID *BaseAddress,
                                  ULONG_PTR ZeroBits, SIZE_T CommitSize, PLARGE_INTEGER SectionOffset,
                                  PSIZE_T ViewSize, SECTION_INHERIT InheritDisposition, ULONG AllocationType,
                                  ULONG Win32Protect)
{
    return ZW_CALL(NtMapViewOfSection(SectionHandle, ProcessHandle, BaseAddress, ZeroBits, CommitSize,
                                      SectionOffset, ViewSize, InheritDisposition, AllocationType,
                                      Win32Protect));
}

/* STATUS_NOT_MAPPED_VIEW when the address lies in no view of the user range. */
EXPORT(ntoskrnl, NtUnmapViewOfSection, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI NtUnmapViewOfSection(HANDLE ProcessHandle, PVOID BaseAddress)
{
    NTSTATUS status = mm_check_process(ProcessHandle, PROCESS_VM_OPERATION);
    if (!NT_SUCCESS(status))
        return status;
    return hmem_is_user(BaseAddress) ? mm_view_unmap(BaseAddress) : STATUS_NOT_MAPPED_VIEW;
}

EXPORT(ntoskrnl, ZwUnmapViewOfSection, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI ZwUnmapViewOfSection(HANDLE ProcessHandle, PVOID BaseAddress)
{
    return ZW_CALL(NtUnmapViewOfSection(ProcessHandle, BaseAddress));
}

/* Maps a section, or its first *ViewSize bytes (0: all), into system space, readable and writable as the
 * section is. */
EXPORT(ntoskrnl, MmMapViewInSystemSpace, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI MmMapViewInSystemSpace(PVOID Section, PVOID *MappedBase, PSIZE_T ViewSize)
{
    struct mm_section *section = Section;
    uint64_t size = *ViewSize ? ALIGN_UP(*ViewSize, PAGE_SIZE) : section->bytes;
    if (size > section->bytes)
        return STATUS_INVALID_VIEW_SIZE;
    NTSTATUS status = mm_view_map(section, HMEM_SYSTEM, NULL, 0, size, section->protection & HMEM_RW,
                                  mm_caller(__builtin_return_address(0)), MappedBase);
    if (NT_SUCCESS(status))
        *ViewSize = size;
    return status;
}

EXPORT(ntoskrnl, MmUnmapViewInSystemSpace, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI MmUnmapViewInSystemSpace(PVOID MappedBase)
{
    return hmem_is_user(MappedBase) ? STATUS_NOT_MAPPED_VIEW : mm_view_unmap(MappedBase);
}
