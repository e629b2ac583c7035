/* SPDX-License-Identifier: MIT */
/*
 * ObRegisterCallbacks: what is refused, who is asked first, what a routine can
 * take away, and that nobody is called after ObUnRegisterCallbacks.
 */
#define NTDDI_VERSION 0x06010000
#include "../rltest.h"
#include <ntifs.h>

#define OUR_TERMINATE 0x0001
#define OUR_VM_WRITE  0x0020
#define OUR_QUERY     0x0400

static ULONG before[2], after[2], order, first_before, first_after;
static ACCESS_MASK seen_original, seen_granted;
static BOOLEAN seen_kernel, seen_duplicate;
static NTSTATUS seen_status;

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

static OB_PREOP_CALLBACK_STATUS NTAPI pre(PVOID Context, POB_PRE_OPERATION_INFORMATION Information)
{
    ULONG who = (ULONG)(ULONG_PTR)Context;
    before[who]++;
    if (!order++)
        first_before = who;
    seen_original = Information->Parameters->CreateHandleInformation.OriginalDesiredAccess;
    seen_kernel = Information->KernelHandle;
    if (Information->Operation == OB_OPERATION_HANDLE_DUPLICATE)
        seen_duplicate =
            Information->Parameters->DuplicateHandleInformation.SourceProcess == PsGetCurrentProcess();
    if (who == 0)
        Information->Parameters->CreateHandleInformation.DesiredAccess &= ~OUR_TERMINATE;
    else
        Information->Parameters->CreateHandleInformation.DesiredAccess |= OUR_VM_WRITE;
    Information->CallContext = &before[who];
    return OB_PREOP_SUCCESS;
}

static VOID NTAPI post(PVOID Context, POB_POST_OPERATION_INFORMATION Information)
{
    ULONG who = (ULONG)(ULONG_PTR)Context;
    CHECK("SR-47", Information->CallContext == &before[who]);
    if (!after[0] && !after[1])
        first_after = who;
    after[who]++;
    seen_granted = Information->Parameters->CreateHandleInformation.GrantedAccess;
    seen_status = Information->ReturnStatus;
}

static NTSTATUS add(PCWSTR altitude, ULONG_PTR who, OB_OPERATION operations, POBJECT_TYPE *type,
                    USHORT version, PVOID *handle)
{
    OB_OPERATION_REGISTRATION operation = {type, operations, pre, post};
    OB_CALLBACK_REGISTRATION registration = {.Version = version,
                                             .OperationRegistrationCount = 1,
                                             .RegistrationContext = (PVOID)who,
                                             .OperationRegistration = &operation};
    RtlInitUnicodeString(&registration.Altitude, altitude);
    return ObRegisterCallbacks(&registration, handle);
}

static HANDLE open_self(ACCESS_MASK access, ACCESS_MASK *granted)
{
    HANDLE handle = NULL;
    PVOID object;
    OBJECT_HANDLE_INFORMATION info = {0};
    CHECK_STATUS("SR-47",
                 ObOpenObjectByPointer(PsGetCurrentProcess(), OBJ_KERNEL_HANDLE, NULL, access, *PsProcessType,
                                       KernelMode, &handle),
                 STATUS_SUCCESS);
    ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &object, &info);
    ObDereferenceObject(object);
    *granted = info.GrantedAccess;
    return handle;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PVOID low, high, none;
    ACCESS_MASK granted;
    HANDLE handle, copy;
    DriverObject->DriverUnload = unload;
    CHECK_EQ("SR-47", ObGetFilterVersion(), OB_FLT_REGISTRATION_VERSION);
    CHECK_STATUS("SR-47", add(L"1000", 0, 0, PsProcessType, 0x100, &none), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("SR-47", add(L"1000", 0, 1, PsProcessType, 0x200, &none), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("SR-47", add(L"1000", 0, 1, ExEventObjectType, 0x100, &none), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("SR-47", add(L"1000", 0, 3, PsProcessType, 0x100, &low), STATUS_SUCCESS);
    CHECK_STATUS("SR-47", add(L"1000", 1, 3, PsProcessType, 0x100, &none),
                 STATUS_FLT_INSTANCE_ALTITUDE_COLLISION);
    CHECK_STATUS("SR-47", add(L"2000.5", 1, 3, PsProcessType, 0x100, &high), STATUS_SUCCESS);
    handle = open_self(OUR_TERMINATE | OUR_QUERY, &granted);
    CHECK_EQ("SR-47", granted, OUR_QUERY);
    CHECK("SR-47", before[0] == 1 && before[1] == 1 && after[0] == 1 && after[1] == 1);
    CHECK("SR-47", first_before == 1 && first_after == 0);
    CHECK("SR-47", seen_original == (OUR_TERMINATE | OUR_QUERY) && seen_granted == OUR_QUERY && seen_kernel &&
                       seen_status == STATUS_SUCCESS);
    CHECK_STATUS(
        "SR-47",
        ZwDuplicateObject(ZwCurrentProcess(), handle, ZwCurrentProcess(), &copy, 0, 0, DUPLICATE_SAME_ACCESS),
        STATUS_SUCCESS);
    CHECK("SR-47", before[0] == 2 && seen_duplicate && !seen_kernel);
    ZwClose(copy);
    ZwClose(handle);
    ObUnRegisterCallbacks(low);
    handle = open_self(OUR_TERMINATE | OUR_QUERY, &granted);
    CHECK("SR-47", granted == (OUR_TERMINATE | OUR_QUERY) && before[0] == 2 && before[1] == 3);
    ZwClose(handle);
    ObUnRegisterCallbacks(high);
    handle = open_self(OUR_TERMINATE | OUR_QUERY, &granted);
    CHECK("SR-47", granted == (OUR_TERMINATE | OUR_QUERY) && before[0] == 2 && before[1] == 3);
    ZwClose(handle);
    return STATUS_SUCCESS;
}
