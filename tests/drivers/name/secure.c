/* SPDX-License-Identifier: MIT */
/*
 * DO-06, DO-54: what IoCreateDeviceSecure's static library does in a driver: a named device, and the
 * descriptor of an SDDL string set on it through the kernel's routines. One device for each of the predefined
 * strings.
 */
#include <ntifs.h>
#include "rltest.h"

#define SE_DACL_PROTECTED_ 0x1000

static PDRIVER_OBJECT driver;

static ULONG rights_of(PCSTR *text)
{
    ULONG rights = 0;

    for (; **text != ';'; *text += 2) {
        CHECK("DO-54", (*text)[0] == 'G');
        rights |= (*text)[1] == 'A'   ? GENERIC_ALL
                  : (*text)[1] == 'R' ? GENERIC_READ
                  : (*text)[1] == 'W' ? GENERIC_WRITE
                                      : GENERIC_EXECUTE;
    }
    return rights;
}

static PSID sid_of(PCSTR text)
{
    if (text[0] == 'S')
        return SeExports->SeLocalSystemSid;
    if (text[0] == 'B')
        return SeExports->SeAliasAdminsSid;
    return text[0] == 'W' ? SeExports->SeWorldSid : SeExports->SeRestrictedSid;
}

/* "D:P" and then "(A;;rights;;;SID)" as often as wanted. */
static VOID make_acl(PCSTR sddl, PACL acl, ULONG size)
{
    PCSTR at = sddl + 3;

    CHECK_STATUS("DO-54", RtlCreateAcl(acl, size, ACL_REVISION), STATUS_SUCCESS);
    while (*at == '(') {
        ULONG rights;

        at += 4; /* (A;; */
        rights = rights_of(&at);
        CHECK_STATUS("DO-54", RtlAddAccessAllowedAce(acl, ACL_REVISION, rights, sid_of(at + 3)),
                     STATUS_SUCCESS);
        at += 6; /* ;;;SY) */
    }
}

static NTSTATUS create_secure(PCWSTR text, PCSTR sddl)
{
    ULONGLONG storage[32];
    SECURITY_DESCRIPTOR descriptor;
    UNICODE_STRING name;
    PDEVICE_OBJECT device;
    HANDLE handle;
    NTSTATUS status;

    RtlInitUnicodeString(&name, text);
    status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    make_acl(sddl, (PACL)storage, sizeof(storage));
    RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    RtlSetDaclSecurityDescriptor(&descriptor, TRUE, (PACL)storage, FALSE);
    descriptor.Control |= SE_DACL_PROTECTED_;
    status = ObOpenObjectByPointer(device, OBJ_KERNEL_HANDLE, NULL, WRITE_DAC, NULL, KernelMode, &handle);
    if (!NT_SUCCESS(status))
        return status;
    status = ZwSetSecurityObject(handle, DACL_SECURITY_INFORMATION, &descriptor);
    ZwClose(handle);
    return status;
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject != NULL)
        IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    driver = DriverObject;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->DriverUnload = unload;
    CHECK_STATUS("DO-06", create_secure(L"\\Device\\KernelOnly", "D:P"), STATUS_SUCCESS);
    CHECK_STATUS("DO-06", create_secure(L"\\Device\\SysAll", "D:P(A;;GA;;;SY)"), STATUS_SUCCESS);
    CHECK_STATUS("DO-06", create_secure(L"\\Device\\SysAllAdmAll", "D:P(A;;GA;;;SY)(A;;GA;;;BA)"),
                 STATUS_SUCCESS);
    CHECK_STATUS("DO-06",
                 create_secure(L"\\Device\\AdmRwxWorldR", "D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GR;;;WD)"),
                 STATUS_SUCCESS);
    CHECK_STATUS("DO-06",
                 create_secure(L"\\Device\\AdmRwxWorldRResR",
                               "D:P(A;;GA;;;SY)(A;;GRGWGX;;;BA)(A;;GR;;;WD)(A;;GR;;;RC)"),
                 STATUS_SUCCESS);
    CHECK_STATUS("DO-06", create_secure(L"\\Device\\WorldR", "D:P(A;;GA;;;SY)(A;;GR;;;WD)"), STATUS_SUCCESS);
    return STATUS_SUCCESS;
}
