/* SPDX-License-Identifier: MIT */
/* Devices by name: opening one to get at its stack, attaching by name, symbolic links. */
#include "io/private.h"
#include "ob/routines.h"

static NTSTATUS open_by_name(PUNICODE_STRING name, ACCESS_MASK access, ULONG options, PHANDLE handle)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    InitializeObjectAttributes(&attributes, name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    return IoCreateFile(handle, access, &attributes, &iosb, NULL, 0, FILE_SHARE_READ | FILE_SHARE_WRITE,
                        FILE_OPEN, options & IO_ATTACH_DEVICE ? 0 : FILE_NON_DIRECTORY_FILE, NULL, 0,
                        CreateFileTypeNone, NULL, options);
}

static NTSTATUS get_pointer(PUNICODE_STRING name, ACCESS_MASK access, ULONG options, PFILE_OBJECT *file,
                            PDEVICE_OBJECT *device)
{
    HANDLE handle;
    NTSTATUS status = open_by_name(name, access, options, &handle);
    if (!NT_SUCCESS(status))
        return status;
    status = ob_reference_by_handle(handle, 0, io_file_type, KernelMode, (void **)file, NULL);
    if (NT_SUCCESS(status))
        /* DO-34: the top of the stack. */
        *device = IoGetRelatedDeviceObject(*file);
    /* DO-34: the last handle: the stack gets CLEANUP now, CLOSE when the caller drops the file. */
    ob_handle_close(handle, KernelMode);
    return status;
}

/*
 * The top of a named device's stack and a referenced file object that keeps it there.
 * IRQL: PASSIVE_LEVEL. Rules: DO-34.
 */
EXPORT(ntoskrnl, IoGetDeviceObjectPointer, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName, ACCESS_MASK DesiredAccess,
                                        PFILE_OBJECT *FileObject, PDEVICE_OBJECT *DeviceObject)
{
    return get_pointer(ObjectName, DesiredAccess, 0, FileObject, DeviceObject);
}

/*
 * Attaches to the top of a named device's stack. The open is closed again before it returns, so the source
 * receives CLEANUP and CLOSE for it. IRQL: PASSIVE_LEVEL. Rules: DO-33.
 */
EXPORT(ntoskrnl, IoAttachDevice, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
NTSTATUS NTAPI IoAttachDevice(PDEVICE_OBJECT SourceDevice, PUNICODE_STRING TargetDevice,
                              PDEVICE_OBJECT *AttachedDevice)
{
    HANDLE handle;
    PFILE_OBJECT file;
    *AttachedDevice = NULL;
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    /* DO-33: without a mount. */
    status = open_by_name(TargetDevice, FILE_READ_ATTRIBUTES, IO_ATTACH_DEVICE, &handle);
    if (!NT_SUCCESS(status))
        return status;
    status = ob_reference_by_handle(handle, 0, io_file_type, KernelMode, (void **)&file, NULL);
    if (NT_SUCCESS(status)) {
        /* DO-33: the caller can pass requests on as soon as they come. */
        status = io_attach(SourceDevice, IoGetRelatedDeviceObject(file), AttachedDevice);
        ob_dereference(file);
    }
    /* DO-33: the source sees the end of this open. */
    ob_handle_close(handle, KernelMode);
    return status;
}

/*
 * A permanent symbolic link to a name, which need not exist. IRQL: PASSIVE_LEVEL. Rules: DO-55.
 */
EXPORT(ntoskrnl, IoCreateSymbolicLink, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName)
{
    HANDLE handle;
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, SymbolicLinkName,
                               OBJ_PERMANENT | OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    /* DO-55: the link keeps the name, not the object. */
    NTSTATUS status = ZwCreateSymbolicLinkObject(&handle, SYMBOLIC_LINK_ALL_ACCESS, &attributes, DeviceName);
    if (NT_SUCCESS(status))
        ob_handle_close(handle, KernelMode);
    return status;
}

/* The same: links of this machine are not protected from users. IRQL: PASSIVE_LEVEL. */
EXPORT(ntoskrnl, IoCreateUnprotectedSymbolicLink, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoCreateUnprotectedSymbolicLink(PUNICODE_STRING SymbolicLinkName, PUNICODE_STRING DeviceName)
{
    return IoCreateSymbolicLink(SymbolicLinkName, DeviceName);
}

/* IRQL: PASSIVE_LEVEL. Rules: DO-55. */
EXPORT(ntoskrnl, IoDeleteSymbolicLink, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName)
{
    HANDLE handle;
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, SymbolicLinkName, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    NTSTATUS status = ZwOpenSymbolicLinkObject(&handle, DELETE, &attributes);
    if (!NT_SUCCESS(status))
        return status;
    /* DO-55: goes with its last handle, which is this one. */
    status = ZwMakeTemporaryObject(handle);
    ob_handle_close(handle, KernelMode);
    return status;
}
