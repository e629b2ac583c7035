/* SPDX-License-Identifier: MIT */
/*
 * What drivers ask about PE images in memory: headers, directories, exports,
 * resources. `Base` may carry bit 0 or MappedAsImage FALSE: the file as it is
 * on disk, so RVAs go through the section table.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "nt/pe.h"
#include "nt/status.h"

#define NO_RANGE_CHECK 1
#define HIGHEST_OFFSET 0x10000000u /* of the headers in a file that gives no size */

/* Finds the NT headers. Without range check they are believed to be there. */
EXPORT(ntoskrnl, RtlImageNtHeaderEx, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlImageNtHeaderEx(ULONG Flags, PVOID Base, ULONGLONG Size, PIMAGE_NT_HEADERS *OutHeaders)
{
    const IMAGE_DOS_HEADER *dos = Base;
    bool checked = !(Flags & NO_RANGE_CHECK);
    if (!OutHeaders)
        return STATUS_INVALID_PARAMETER;
    *OutHeaders = NULL;
    if ((Flags & ~NO_RANGE_CHECK) || !Base || Base == (PVOID)-1)
        return STATUS_INVALID_PARAMETER;
    if ((checked && Size < sizeof *dos) || dos->e_magic != IMAGE_DOS_SIGNATURE)
        return STATUS_INVALID_IMAGE_FORMAT;
    ULONG offset = (ULONG)dos->e_lfanew;
    if (offset >= HIGHEST_OFFSET || (checked && offset + sizeof(IMAGE_NT_HEADERS) > Size))
        return STATUS_INVALID_IMAGE_FORMAT;
    PIMAGE_NT_HEADERS headers = (PIMAGE_NT_HEADERS)((char *)Base + offset);
    if (headers->Signature != IMAGE_NT_SIGNATURE)
        return STATUS_INVALID_IMAGE_FORMAT;
    *OutHeaders = headers;
    return STATUS_SUCCESS;
}

/* NULL if there is no image at Base. */
EXPORT(ntoskrnl, RtlImageNtHeader, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PIMAGE_NT_HEADERS NTAPI RtlImageNtHeader(PVOID Base)
{
    PIMAGE_NT_HEADERS headers;
    RtlImageNtHeaderEx(NO_RANGE_CHECK, Base, 0, &headers);
    return headers;
}

/* Where the bytes of an RVA are in the file; NULL if in no section. */
static PVOID in_file(char *base, const IMAGE_NT_HEADERS *headers, ULONG rva)
{
    const IMAGE_SECTION_HEADER *section =
        (const void *)((const char *)&headers->OptionalHeader + headers->FileHeader.SizeOfOptionalHeader);
    if (rva < headers->OptionalHeader.SizeOfHeaders)
        return base + rva;
    for (unsigned i = 0; i < headers->FileHeader.NumberOfSections; i++, section++)
        if (rva >= section->VirtualAddress && rva - section->VirtualAddress < section->SizeOfRawData)
            return base + section->PointerToRawData + (rva - section->VirtualAddress);
    return NULL;
}

/* Address and size of a directory; NULL and 0 if the image has none. */
EXPORT(ntoskrnl, RtlImageDirectoryEntryToData, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI RtlImageDirectoryEntryToData(PVOID Base, BOOLEAN MappedAsImage, USHORT DirectoryEntry,
                                         PULONG Size)
{
    bool as_file = !MappedAsImage || ((uintptr_t)Base & 1);
    char *base = (char *)((uintptr_t)Base & ~(uintptr_t)1);
    PIMAGE_NT_HEADERS headers = RtlImageNtHeader(base);
    *Size = 0;
    if (!headers || DirectoryEntry >= headers->OptionalHeader.NumberOfRvaAndSizes ||
        DirectoryEntry >= countof(headers->OptionalHeader.DataDirectory))
        return NULL;
    const IMAGE_DATA_DIRECTORY *directory = &headers->OptionalHeader.DataDirectory[DirectoryEntry];
    if (directory->VirtualAddress == 0)
        return NULL;
    PVOID data =
        as_file ? in_file(base, headers, directory->VirtualAddress) : base + directory->VirtualAddress;
    *Size = data ? directory->Size : 0;
    return data;
}

/* The address of an exported name (the names are sorted); NULL if there is none or it is forwarded. */
EXPORT(ntoskrnl, RtlFindExportedRoutineByName, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI RtlFindExportedRoutineByName(PVOID DllBase, PCSTR RoutineName)
{
    ULONG size;
    char *base = DllBase;
    PIMAGE_EXPORT_DIRECTORY exports =
        RtlImageDirectoryEntryToData(base, TRUE, IMAGE_DIRECTORY_ENTRY_EXPORT, &size);
    if (!exports)
        return NULL;
    const ULONG *names = (const ULONG *)(base + exports->AddressOfNames);
    const USHORT *ordinals = (const USHORT *)(base + exports->AddressOfNameOrdinals);
    for (ULONG low = 0, high = exports->NumberOfNames; low < high;) {
        ULONG middle = low + (high - low) / 2;
        int order = crt_strcmp(RoutineName, base + names[middle]);
        if (order == 0) {
            if (ordinals[middle] >= exports->NumberOfFunctions)
                return NULL;
            char *address = base + ((const ULONG *)(base + exports->AddressOfFunctions))[ordinals[middle]];
            bool forwarded = address >= (char *)exports && address < (char *)exports + size;
            return forwarded ? NULL : address;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
