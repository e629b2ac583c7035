/* SPDX-License-Identifier: MIT */
/*
 * interface-client: a driver that uses devices which come and go. It is told of
 * each interface of the class trio line (drivers/trio), opens it, asks to be told
 * of the device's removal, writes a greeting, and lets go when the device is to
 * be removed, or has been pulled out.
 *
 * Notifications come one after the other at PASSIVE_LEVEL, so the list needs a
 * lock only against Unload, which unregisters first.
 */
#include <ntddk.h>
#include "../trio/trio.h"
#include <wdmguid.h>

#define CLIENT_TAG 'ilCI'

struct user {
    LIST_ENTRY link;
    UNICODE_STRING name; /* the interface's, behind the structure */
    PFILE_OBJECT file;   /* NULL: let go of */
    PDEVICE_OBJECT device;
    PVOID notification;
};

static PDRIVER_OBJECT driver;
static PVOID arrivals;
static LIST_ENTRY users;

static NTSTATUS open(struct user *user)
{
    return IoGetDeviceObjectPointer(&user->name, FILE_READ_DATA | FILE_WRITE_DATA, &user->file,
                                    &user->device);
}

static void let_go(struct user *user)
{
    if (user->file != NULL)
        ObDereferenceObject(user->file);
    user->file = NULL;
}

static void greet(struct user *user)
{
    static CHAR greeting[] = "hello";
    LARGE_INTEGER offset = {.QuadPart = 0};
    IO_STATUS_BLOCK iosb;
    KEVENT event;
    PIRP irp;
    NTSTATUS status;

    KeInitializeEvent(&event, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_WRITE, user->device, greeting, sizeof(greeting) - 1, &offset,
                                       &event, &iosb);
    if (irp == NULL)
        return;
    IoGetNextIrpStackLocation(irp)->FileObject = user->file;
    status = IoCallDriver(user->device, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
        status = iosb.Status;
    }
    DbgPrint("greeted, status 0x%08lX\n", status);
}

static void drop(struct user *user)
{
    let_go(user);
    if (user->notification != NULL)
        IoUnregisterPlugPlayNotification(user->notification);
    RemoveEntryList(&user->link);
    ExFreePoolWithTag(user, CLIENT_TAG);
}

/* About the device that a file is open on. */
static NTSTATUS NTAPI device_changes(PVOID NotificationStructure, PVOID Context)
{
    PTARGET_DEVICE_REMOVAL_NOTIFICATION notification = NotificationStructure;
    struct user *user = Context;

    if (IsEqualGUID(&notification->Event, &GUID_TARGET_DEVICE_QUERY_REMOVE)) {
        DbgPrint("it may go: closed\n");
        let_go(user); /* an open file would keep it */
    } else if (IsEqualGUID(&notification->Event, &GUID_TARGET_DEVICE_REMOVE_CANCELLED)) {
        DbgPrint("it stays: opened again\n");
        IoUnregisterPlugPlayNotification(user->notification); /* it was about the file that was closed */
        user->notification = NULL;
        if (!NT_SUCCESS(open(user)) ||
            !NT_SUCCESS(IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, user->file, driver,
                                                       device_changes, user, &user->notification)))
            drop(user);
    } else if (IsEqualGUID(&notification->Event, &GUID_TARGET_DEVICE_REMOVE_COMPLETE)) {
        DbgPrint("it is gone\n");
        drop(user);
    }
    return STATUS_SUCCESS;
}

static void use(PUNICODE_STRING name)
{
    struct user *user = ExAllocatePoolWithTag(PagedPool, sizeof(*user) + name->Length, CLIENT_TAG);

    if (user == NULL)
        return;
    RtlZeroMemory(user, sizeof(*user));
    user->name = (UNICODE_STRING){0, name->Length, (PWSTR)(user + 1)};
    RtlCopyUnicodeString(&user->name, name);
    InsertTailList(&users, &user->link);
    if (!NT_SUCCESS(open(user)) ||
        !NT_SUCCESS(IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, user->file, driver,
                                                   device_changes, user, &user->notification))) {
        drop(user);
        return;
    }
    DbgPrint("a line: opened\n");
    greet(user);
}

/* About all devices of the class; those that are there already are told at the registration. */
static NTSTATUS NTAPI class_changes(PVOID NotificationStructure, PVOID Context)
{
    PDEVICE_INTERFACE_CHANGE_NOTIFICATION notification = NotificationStructure;

    if (IsEqualGUID(&notification->Event, &GUID_DEVICE_INTERFACE_ARRIVAL))
        use(notification->SymbolicLinkName);
    return STATUS_SUCCESS;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoUnregisterPlugPlayNotification(arrivals);
    while (!IsListEmpty(&users))
        drop(CONTAINING_RECORD(users.Flink, struct user, link));
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    driver = DriverObject;
    InitializeListHead(&users);
    DriverObject->DriverUnload = unload;
    return IoRegisterPlugPlayNotification(
        EventCategoryDeviceInterfaceChange, PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES,
        (PVOID)&GUID_TRIO_LINE, DriverObject, class_changes, NULL, &arrivals);
}
