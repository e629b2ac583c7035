/* SPDX-License-Identifier: MIT */
/*
 * The drive letter of a volume's device: the first of A: to Z: in \?? that is
 * a symbolic link to the device's name.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "rtl/string_pool.h"
#include "nt/access.h"
#include "nt/status.h"
#include "ob/ob.h"
#include "ob/routines.h"

#define NAME_CHARACTERS 260

/* True if \??\L: is a link to the name. */
static bool letter_leads_to(WCHAR letter, PCUNICODE_STRING name)
{
    WCHAR path[] = u"\\??\\A:", buffer[NAME_CHARACTERS];
    UNICODE_STRING link, target = {0, sizeof buffer, buffer};
    OBJECT_ATTRIBUTES attributes;
    HANDLE handle;
    path[4] = letter;
    rtl_init_string(&link, path);
    InitializeObjectAttributes(&attributes, &link, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (!NT_SUCCESS(ZwOpenSymbolicLinkObject(&handle, SYMBOLIC_LINK_QUERY, &attributes)))
        return false;
    NTSTATUS status = ZwQuerySymbolicLinkObject(handle, &target, NULL);
    ob_handle_close(handle, KernelMode);
    return NT_SUCCESS(status) && rtl_equal_nocase(&target, name);
}

static NTSTATUS volume_name(PVOID device, PUNICODE_STRING dos_name, const void *caller)
{
    WCHAR buffer[NAME_CHARACTERS], letter = 'A';
    if (!device || !dos_name)
        return STATUS_INVALID_PARAMETER;
    ULONG length = ob_query_name(device, buffer, sizeof buffer);
    UNICODE_STRING name = {(USHORT)length, (USHORT)length, buffer};
    if (length == 0 || length > sizeof buffer)
        return STATUS_INVALID_PARAMETER;
    while (letter <= 'Z' && !letter_leads_to(letter, &name))
        letter++;
    if (letter > 'Z')
        return STATUS_OBJECT_NAME_NOT_FOUND;
    PWSTR text = rtl_string_allocate(3 * sizeof(WCHAR), caller);
    if (!text)
        return STATUS_INSUFFICIENT_RESOURCES;
    text[0] = letter;
    text[1] = ':';
    text[2] = 0;
    rtl_init_string(dos_name, text);
    return STATUS_SUCCESS;
}

/* Owns: the caller frees the buffer with ExFreePool. A device without a name or a letter is an error. */
EXPORT(ntoskrnl, IoVolumeDeviceToDosName, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES | X_BLOCKS)
NTSTATUS NTAPI IoVolumeDeviceToDosName(PVOID VolumeDeviceObject, PUNICODE_STRING DosName)
{
    return volume_name(VolumeDeviceObject, DosName, __builtin_return_address(0));
}

EXPORT(ntoskrnl, RtlVolumeDeviceToDosName, PASSIVE_LEVEL, PASSIVE_LEVEL, X_RAISES | X_BLOCKS)
NTSTATUS NTAPI RtlVolumeDeviceToDosName(PVOID VolumeDeviceObject, PUNICODE_STRING DosName)
{
    return volume_name(VolumeDeviceObject, DosName, __builtin_return_address(0));
}
