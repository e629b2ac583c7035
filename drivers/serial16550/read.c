/* SPDX-License-Identifier: MIT */
/*
 * Reads: a cancel-safe queue, served with what has arrived.
 */
#include "serial16550.h"

static struct extension *extension_of(PIO_CSQ Csq)
{
    return CONTAINING_RECORD(Csq, struct extension, Csq);
}

static VOID NTAPI insert_read(PIO_CSQ Csq, PIRP Irp)
{
    InsertTailList(&extension_of(Csq)->Reads, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI remove_read(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

static BOOLEAN is_wanted(PIRP Irp, const struct wanted *Wanted)
{
    ULONG due = (ULONG)(ULONG_PTR)Irp->Tail.Overlay.DriverContext[0];

    if (Wanted == NULL)
        return TRUE;
    if (Wanted->File != NULL)
        return IoGetCurrentIrpStackLocation(Irp)->FileObject == Wanted->File;
    return due != 0 && due <= Wanted->Seconds;
}

static PIRP NTAPI peek_read(PIO_CSQ Csq, PIRP Irp, PVOID Wanted)
{
    PLIST_ENTRY head = &extension_of(Csq)->Reads;
    PLIST_ENTRY entry = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : head->Flink;

    for (; entry != head; entry = entry->Flink) {
        PIRP found = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
        if (is_wanted(found, Wanted))
            return found;
    }
    return NULL;
}

static VOID NTAPI lock_reads(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&extension_of(Csq)->ReadLock, Irql);
}

static VOID NTAPI unlock_reads(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&extension_of(Csq)->ReadLock, Irql);
}

static VOID NTAPI cancel_read(PIO_CSQ Csq, PIRP Irp)
{
    complete(Irp, STATUS_CANCELLED, 0, IO_NO_INCREMENT);
}

void end_reads(struct extension *Extension, struct wanted Wanted, NTSTATUS Status)
{
    PIRP Irp;

    while ((Irp = IoCsqRemoveNextIrp(&Extension->Csq, &Wanted)) != NULL)
        complete(Irp, Status, 0, IO_NO_INCREMENT);
}

static void serve_next_read(struct extension *Extension, PIRP Irp)
{
    struct take Take = {Extension, Irp->AssociatedIrp.SystemBuffer,
                        IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length, 0};

    KeSynchronizeExecution(Extension->Interrupt, take_received, &Take);
    complete(Irp, STATUS_SUCCESS, Take.Taken, IO_SERIAL_INCREMENT);
}

/* Gives what has arrived to the oldest read, and so on. Bytes stay in order because one processor at a time
 * does so; another only makes it look again. */
void serve_reads(struct extension *Extension)
{
    LONG calls;
    PIRP Irp;

    if (InterlockedIncrement(&Extension->Serving) != 1)
        return;
    do {
        calls = Extension->Serving;
        while (Extension->RingPut != Extension->RingTaken &&
               (Irp = IoCsqRemoveNextIrp(&Extension->Csq, NULL)) != NULL)
            serve_next_read(Extension, Irp);
    } while (InterlockedCompareExchange(&Extension->Serving, 0, calls) != calls);
}

NTSTATUS NTAPI dispatch_read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct extension *Extension = DeviceObject->DeviceExtension;
    ULONG due;

    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length == 0)
        return complete(Irp, STATUS_SUCCESS, 0, IO_NO_INCREMENT);
    due = Extension->ReadTimeout != 0 ? Extension->Seconds + Extension->ReadTimeout + 1 : 0;
    Irp->Tail.Overlay.DriverContext[0] = (PVOID)(ULONG_PTR)due;
    IoCsqInsertIrp(&Extension->Csq, Irp, NULL); /* marks it pending */
    serve_reads(Extension);
    return STATUS_PENDING;
}

void initialize_reads(struct extension *Extension)
{
    KeInitializeSpinLock(&Extension->ReadLock);
    InitializeListHead(&Extension->Reads);
    IoCsqInitialize(&Extension->Csq, insert_read, remove_read, peek_read, lock_reads, unlock_reads,
                    cancel_read);
}
