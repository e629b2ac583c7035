/* SPDX-License-Identifier: MIT */
/* MJ-11: the byte-range locks of a process go with its last handle, though another process has one too. */
#include <ntifs.h>
#include "target.h"

static VOID run_tests(PIRP Irp)
{
    LARGE_INTEGER offset = {.QuadPart = 0}, length = {.QuadPart = 10};
    PFILE_OBJECT file = saw.file; /* opened by the user process, which keeps its handle */
    IO_STATUS_BLOCK iosb;
    HANDLE handle;

    CHECK_STATUS("MJ-11",
                 ObOpenObjectByPointer(file, OBJ_KERNEL_HANDLE, NULL, GENERIC_READ, *IoFileObjectType,
                                       KernelMode, &handle),
                 STATUS_SUCCESS);
    CHECK_STATUS("MJ-11", ZwLockFile(handle, NULL, NULL, NULL, &iosb, &offset, &length, 0, TRUE, TRUE),
                 STATUS_SUCCESS);
    CHECK_EQ("MJ-11", saw.minor, IRP_MN_LOCK);
    RtlZeroMemory(&saw, sizeof(saw));
    ZwClose(handle);
    CHECK_EQ("MJ-11", saw.calls[IRP_MJ_LOCK_CONTROL], 1);
    CHECK_EQ("MJ-11", saw.minor, IRP_MN_UNLOCK_ALL);
    CHECK_EQ("MJ-12", saw.calls[IRP_MJ_CLEANUP], 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return target_create(DriverObject);
}
