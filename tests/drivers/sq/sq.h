/* SPDX-License-Identifier: MIT */
/*
 * Requests that a test driver makes for its own device, and a log of what became
 * of them: 'A' when StartIo began with the first one, 'a' when it was completed,
 * 'B' and 'b' for the second, and so on.
 */
#ifndef SQ_H
#define SQ_H

#include "rltest.h"

#define REQUESTS 26

static char sq_log[64];
static ULONG sq_logged;
static PIRP sq_irps[REQUESTS];
static NTSTATUS sq_status[REQUESTS];

static inline VOID sq_add(char what)
{
    if (sq_logged < sizeof(sq_log) - 1)
        sq_log[sq_logged++] = what;
    sq_log[sq_logged] = 0;
}

/* The log reads so, and begins anew. */
static inline BOOLEAN sq_read(const char *wanted)
{
    SIZE_T length = 0;
    BOOLEAN same;

    while (wanted[length])
        length++;
    same = length == sq_logged && RtlCompareMemory(wanted, sq_log, length) == length;
    if (!same)
        DbgPrint("log: %s, wanted %s\n", sq_log, wanted);
    sq_logged = 0;
    sq_log[0] = 0;
    return same;
}

#define CHECK_LOG(id, text) rl_check(id, sq_read(text), "log " text, __FILE__, __LINE__)

static inline ULONG sq_number(PIRP irp)
{
    ULONG i = 0;

    while (i < REQUESTS - 1 && sq_irps[i] != irp)
        i++;
    return i;
}

static NTSTATUS NTAPI sq_completed(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    ULONG number = sq_number(irp);

    if (NT_SUCCESS(irp->IoStatus.Status))
        CHECK("SQ-25", irp->PendingReturned); /* the device's dispatch routine marked it */
    CHECK("SR-27", context == sq_irps && KeGetCurrentIrql() <= DISPATCH_LEVEL);
    sq_status[number] = irp->IoStatus.Status;
    sq_add((char)('a' + number));
    return STATUS_MORE_PROCESSING_REQUIRED; /* the sender frees it */
}

static inline PIRP sq_make(PDEVICE_OBJECT device, ULONG number, ULONG key)
{
    PIRP irp = IoAllocateIrp(device->StackSize, FALSE);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);

    next->MajorFunction = IRP_MJ_WRITE;
    next->Parameters.Write.Key = key;
    IoSetCompletionRoutine(irp, sq_completed, sq_irps, TRUE, TRUE, TRUE);
    sq_irps[number] = irp;
    sq_status[number] = STATUS_PENDING;
    return irp;
}

static inline NTSTATUS sq_send(PDEVICE_OBJECT device, ULONG number, ULONG key)
{
    return IoCallDriver(device, sq_make(device, number, key));
}

/* All of them must have been completed. */
static inline VOID sq_free(ULONG count)
{
    while (count-- > 0)
        IoFreeIrp(sq_irps[count]);
}

static inline VOID sq_complete(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

static __attribute__((unused)) NTSTATUS NTAPI sq_open_close(PDEVICE_OBJECT device, PIRP irp)
{
    sq_complete(irp, STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static VOID NTAPI sq_unload(PDRIVER_OBJECT driver)
{
    while (driver->DeviceObject != NULL)
        IoDeleteDevice(driver->DeviceObject);
}

#endif
