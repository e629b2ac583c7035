/* SPDX-License-Identifier: MIT */
/*
 * A legacy driver that looks for hardware: claims ports, reports what it found
 * there, and is the device's function driver from then on. The checks run in
 * DriverEntry; the PnP requests that follow are printed.
 */
#include "../rltest.h"
#include <ntddk.h>

struct extension {
    PDEVICE_OBJECT lower;
};

static PDEVICE_OBJECT pdo;

static void ports(CM_RESOURCE_LIST *list, ULONG first, ULONG length)
{
    RtlZeroMemory(list, sizeof(*list));
    list->Count = length ? 1 : 0;
    list->List[0].InterfaceType = Isa;
    list->List[0].PartialResourceList.Version = list->List[0].PartialResourceList.Revision = 1;
    list->List[0].PartialResourceList.Count = 1;
    CM_PARTIAL_RESOURCE_DESCRIPTOR *d = list->List[0].PartialResourceList.PartialDescriptors;
    d->Type = CmResourceTypePort;
    d->ShareDisposition = CmResourceShareDeviceExclusive;
    d->Flags = CM_RESOURCE_PORT_IO;
    d->u.Port.Start.QuadPart = first;
    d->u.Port.Length = length;
}

static NTSTATUS claim(PDRIVER_OBJECT driver, PDEVICE_OBJECT device, ULONG first, ULONG length,
                      BOOLEAN *conflict)
{
    CM_RESOURCE_LIST list;
    ports(&list, first, length);
    *conflict = 2;
    return IoReportResourceForDetection(driver, NULL, 0, device, &list, sizeof(list), conflict);
}

static void claims(PDRIVER_OBJECT driver, PDEVICE_OBJECT one, PDEVICE_OBJECT two)
{
    CM_RESOURCE_LIST list;
    BOOLEAN conflict;
    CHECK_STATUS("PN-CLAIM", claim(driver, one, 0x300, 8, &conflict), STATUS_SUCCESS);
    CHECK_EQ("PN-CLAIM", conflict, FALSE);
    CHECK_STATUS("PN-CLAIM", claim(driver, two, 0x304, 8, &conflict), STATUS_CONFLICTING_ADDRESSES);
    CHECK_EQ("PN-CLAIM", conflict, TRUE);
    CHECK_STATUS("PN-CLAIM", claim(driver, two, 0x310, 8, &conflict), STATUS_SUCCESS);
    /* A new list takes the place of the old one, unless it conflicts. */
    CHECK_STATUS("PN-CLAIM", claim(driver, two, 0x300, 8, &conflict), STATUS_CONFLICTING_ADDRESSES);
    CHECK_STATUS("PN-CLAIM", claim(driver, one, 0x310, 8, &conflict), STATUS_CONFLICTING_ADDRESSES);
    CHECK_STATUS("PN-CLAIM", claim(driver, one, 0x308, 8, &conflict), STATUS_SUCCESS);
    CHECK_STATUS("PN-CLAIM", claim(driver, two, 0x300, 8, &conflict), STATUS_SUCCESS);
    /* Given back. */
    CHECK_STATUS("PN-CLAIM", claim(driver, one, 0, 0, &conflict), STATUS_SUCCESS);
    CHECK_STATUS("PN-CLAIM", claim(driver, two, 0x308, 8, &conflict), STATUS_SUCCESS);
    ports(&list, 0x320, 8);
    CHECK_STATUS("PN-CLAIM",
                 IoReportResourceForDetection(driver, NULL, 0, one, &list, sizeof(list) / 2, &conflict),
                 STATUS_UNSUCCESSFUL);
    /* The driver's own list, for all of its devices. */
    CHECK_STATUS("PN-CLAIM",
                 IoReportResourceForDetection(driver, &list, sizeof(list), NULL, NULL, 0, &conflict),
                 STATUS_SUCCESS);
    CHECK_STATUS("PN-CLAIM", claim(driver, one, 0x324, 2, &conflict), STATUS_CONFLICTING_ADDRESSES);
    ports(&list, 0x308, 8);
    CHECK_STATUS("PN-CLAIM",
                 IoReportResourceUsage(NULL, driver, NULL, 0, one, &list, sizeof(list), FALSE, &conflict),
                 STATUS_CONFLICTING_ADDRESSES);
    CHECK_EQ("PN-CLAIM", conflict, TRUE);
    CHECK_STATUS("PN-CLAIM",
                 IoReportResourceUsage(NULL, driver, NULL, 0, one, &list, sizeof(list), TRUE, &conflict),
                 STATUS_SUCCESS);
    CHECK_EQ("PN-CLAIM", conflict, TRUE);
    claim(driver, one, 0, 0, &conflict);
}

static void report(PDRIVER_OBJECT driver, PDEVICE_OBJECT fdo)
{
    CM_RESOURCE_LIST list;
    PDEVICE_OBJECT other = NULL;
    WCHAR text[100];
    ULONG length;
    ports(&list, 0x308, 8); /* the second device's */
    CHECK_STATUS("PN-DETECT",
                 IoReportDetectedDevice(driver, Isa, (ULONG)-1, (ULONG)-1, &list, NULL, FALSE, &other),
                 STATUS_CONFLICTING_ADDRESSES);
    CHECK("PN-DETECT", other == NULL);
    ports(&list, 0x330, 8);
    CHECK_STATUS("PN-DETECT",
                 IoReportDetectedDevice(driver, Isa, (ULONG)-1, (ULONG)-1, &list, NULL, FALSE, &pdo),
                 STATUS_SUCCESS);
    CHECK("PN-DETECT", pdo != NULL && pdo->DriverObject != driver);
    CHECK_STATUS("PN-DETECT",
                 IoGetDeviceProperty(pdo, DevicePropertyCompatibleIDs, sizeof(text), text, &length),
                 STATUS_SUCCESS);
    CHECK("PN-DETECT",
          !wcscmp(text, L"DETECTEDIsa\\detect") && !wcscmp(text + wcslen(text) + 1, L"DETECTED\\detect"));
    CHECK_STATUS("PN-DETECT",
                 IoReportDetectedDevice(driver, Isa, (ULONG)-1, (ULONG)-1, NULL, NULL, TRUE, &pdo),
                 STATUS_INVALID_PARAMETER);
    ((struct extension *)fdo->DeviceExtension)->lower = IoAttachDeviceToDeviceStack(fdo, pdo);
}

/* A PDO of the driver's own, without a name: no link can lead to it. */
static void unnamed(PDRIVER_OBJECT driver)
{
    static const GUID class = {0x7A3E1B70, 0x5D0C, 0x4F6B, {1, 2, 3, 4, 5, 6, 7, 8}};
    PDEVICE_OBJECT own, given;
    UNICODE_STRING link;
    if (!NT_SUCCESS(
            IoCreateDevice(driver, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &own)))
        return;
    given = own;
    CHECK_STATUS("PN-DETECT",
                 IoReportDetectedDevice(driver, Internal, (ULONG)-1, (ULONG)-1, NULL, NULL, TRUE, &given),
                 STATUS_SUCCESS);
    CHECK("PN-DETECT", given == own);
    CHECK_STATUS("DO-56", IoRegisterDeviceInterface(own, &class, NULL, &link), STATUS_SUCCESS);
    CHECK_STATUS("DO-58", IoSetDeviceInterfaceState(&link, TRUE), STATUS_INVALID_DEVICE_REQUEST);
    CHECK_STATUS("DO-56", IoSetDeviceInterfaceState(&link, FALSE), STATUS_OBJECT_NAME_NOT_FOUND);
    RtlFreeUnicodeString(&link);
}

/* A device object of DriverEntry is not there yet. */
static void initializing(PDRIVER_OBJECT driver)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\DetectEarly");
    PDEVICE_OBJECT early;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK iosb;
    HANDLE handle;
    if (!NT_SUCCESS(IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &early)))
        return;
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK_STATUS("DO-58", ZwOpenFile(&handle, FILE_READ_DATA, &attributes, &iosb, 0, 0),
                 STATUS_NO_SUCH_DEVICE);
    IoDeleteDevice(early);
}

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT DeviceObject, PIRP irp)
{
    struct extension *e = DeviceObject->DeviceExtension;
    UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
    PDEVICE_OBJECT lower = e ? e->lower : NULL;
    NTSTATUS status;
    if (minor == IRP_MN_START_DEVICE || minor == IRP_MN_QUERY_REMOVE_DEVICE || minor == IRP_MN_REMOVE_DEVICE)
        DbgPrint("detect: minor %u\n", minor);
    if (!lower) { /* the PDO */
        if (minor == IRP_MN_REMOVE_DEVICE || minor == IRP_MN_QUERY_REMOVE_DEVICE)
            irp->IoStatus.Status = STATUS_SUCCESS;
        status = irp->IoStatus.Status;
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        return status;
    }
    irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(irp);
    status = IoCallDriver(lower, irp);
    if (minor == IRP_MN_REMOVE_DEVICE) {
        IoDetachDevice(lower);
        IoDeleteDevice(DeviceObject);
    }
    return status;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject) {
        BOOLEAN conflict;
        claim(DriverObject, DriverObject->DeviceObject, 0, 0, &conflict);
        IoDeleteDevice(DriverObject->DeviceObject);
    }
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT one, two, fdo;
    DriverObject->DriverUnload = unload;
    DriverObject->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &one);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &two);
    NTSTATUS status =
        IoCreateDevice(DriverObject, sizeof(struct extension), NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &fdo);
    if (!NT_SUCCESS(status))
        return status;
    claims(DriverObject, one, two);
    report(DriverObject, fdo);
    unnamed(DriverObject);
    initializing(DriverObject);
    return STATUS_SUCCESS;
}
