/* SPDX-License-Identifier: MIT */
/*
 * A keyboard driver of the classic model, for the i8042: the DDK's example of a
 * driver that cannot be replaced while the system runs, so it has no Unload.
 * Scan codes go from the ISR through a ring to whoever reads; a read waits in
 * a cancel-safe queue until there are codes. One ladder of cleanup, in
 * DriverEntry.
 */
#include <ntddk.h>

#define DATA_PORT          ((PUCHAR)0x60)
#define COMMAND_PORT       ((PUCHAR)0x64)
#define OUTPUT_FULL        0x01
#define FROM_MOUSE         0x20
#define READ_COMMAND_BYTE  0x20
#define WRITE_COMMAND_BYTE 0x60
#define KEYBOARD_INTERRUPT 0x01
#define KEYBOARD_OFF       0x10
#define TRANSLATE          0x40
#define KEYBOARD_IRQ       1
#define RING               64 /* codes that nobody has read yet; a power of two */

/* Newer headers leave it to drivers older than them. */
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);

typedef struct {
    PKINTERRUPT Interrupt;
    IO_CSQ Queue; /* reads that wait */
    LIST_ENTRY Reads;
    KSPIN_LOCK QueueLock;
    KSPIN_LOCK ReaderLock; /* one at a time gives codes to reads */
    /* Of the ISR: touched at DIRQL, or by KeSynchronizeExecution. */
    UCHAR Codes[RING];
    ULONG Put, Taken, Lost;
} KEYBOARD, *PKEYBOARD;

/* ---- the interrupt ---- */

static BOOLEAN NTAPI keyboard_isr(PKINTERRUPT Interrupt, PVOID Context)
{
    PDEVICE_OBJECT device = Context;
    PKEYBOARD keyboard = device->DeviceExtension;

    if ((READ_PORT_UCHAR(COMMAND_PORT) & (OUTPUT_FULL | FROM_MOUSE)) != OUTPUT_FULL)
        return FALSE;
    if (keyboard->Put - keyboard->Taken < RING)
        keyboard->Codes[keyboard->Put++ % RING] = READ_PORT_UCHAR(DATA_PORT);
    else
        keyboard->Lost += READ_PORT_UCHAR(DATA_PORT) != 0;
    IoRequestDpc(device, NULL, NULL);
    return TRUE;
}

typedef struct {
    PKEYBOARD Keyboard;
    PUCHAR Buffer;
    ULONG Length, Taken;
} TAKE;

/* At DIRQL: what is there, as far as the reader has room. */
static BOOLEAN NTAPI take_codes(PVOID Context)
{
    TAKE *take = Context;
    PKEYBOARD keyboard = take->Keyboard;

    while (take->Taken < take->Length && keyboard->Taken != keyboard->Put)
        take->Buffer[take->Taken++] = keyboard->Codes[keyboard->Taken++ % RING];
    return take->Taken != 0;
}

/* ---- reads ---- */

static VOID NTAPI csq_insert(PIO_CSQ Csq, PIRP Irp)
{
    PKEYBOARD keyboard = CONTAINING_RECORD(Csq, KEYBOARD, Queue);

    InsertTailList(&keyboard->Reads, &Irp->Tail.Overlay.ListEntry);
}

static VOID NTAPI csq_remove(PIO_CSQ Csq, PIRP Irp)
{
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* The next read; with a context, of that file object. */
static PIRP NTAPI csq_peek(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PKEYBOARD keyboard = CONTAINING_RECORD(Csq, KEYBOARD, Queue);
    PLIST_ENTRY at = Irp != NULL ? Irp->Tail.Overlay.ListEntry.Flink : keyboard->Reads.Flink;

    for (; at != &keyboard->Reads; at = at->Flink) {
        PIRP found = CONTAINING_RECORD(at, IRP, Tail.Overlay.ListEntry);
        if (PeekContext == NULL || IoGetCurrentIrpStackLocation(found)->FileObject == PeekContext)
            return found;
    }
    return NULL;
}

static VOID NTAPI csq_acquire(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&CONTAINING_RECORD(Csq, KEYBOARD, Queue)->QueueLock, Irql);
}

static VOID NTAPI csq_release(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&CONTAINING_RECORD(Csq, KEYBOARD, Queue)->QueueLock, Irql);
}

static NTSTATUS complete(PIRP Irp, NTSTATUS status, ULONG_PTR information)
{
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_KEYBOARD_INCREMENT);
    return status;
}

static VOID NTAPI csq_cancelled(PIO_CSQ Csq, PIRP Irp)
{
    complete(Irp, STATUS_CANCELLED, 0);
}

static PIRP next_served(PKEYBOARD keyboard)
{
    TAKE take = {.Keyboard = keyboard};
    PIRP irp = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&keyboard->ReaderLock, &irql);
    if (keyboard->Put != keyboard->Taken)
        irp = IoCsqRemoveNextIrp(&keyboard->Queue, NULL);
    if (irp != NULL) {
        take.Buffer = irp->AssociatedIrp.SystemBuffer;
        take.Length = IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length;
        KeSynchronizeExecution(keyboard->Interrupt, take_codes, &take);
        irp->IoStatus.Information = take.Taken;
    }
    KeReleaseSpinLock(&keyboard->ReaderLock, irql);
    return irp;
}

static void serve_reads(PKEYBOARD keyboard)
{
    PIRP irp;

    while ((irp = next_served(keyboard)) != NULL)
        complete(irp, STATUS_SUCCESS, irp->IoStatus.Information);
}

static VOID NTAPI keyboard_dpc(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    serve_reads(DeviceObject->DeviceExtension);
}

/* ---- dispatch ---- */

static NTSTATUS NTAPI keyboard_create_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI keyboard_cleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PKEYBOARD keyboard = DeviceObject->DeviceExtension;
    PVOID file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIRP waiting;

    while ((waiting = IoCsqRemoveNextIrp(&keyboard->Queue, file)) != NULL)
        complete(waiting, STATUS_CANCELLED, 0);
    return complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI keyboard_read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PKEYBOARD keyboard = DeviceObject->DeviceExtension;

    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length == 0)
        return complete(Irp, STATUS_SUCCESS, 0);
    IoCsqInsertIrp(&keyboard->Queue, Irp, NULL); /* marks it pending */
    serve_reads(keyboard);
    return STATUS_PENDING;
}

/* ---- start ---- */

/* Silent until the interrupt is connected: what the controller answers here must not reach the ISR. */
static UCHAR silence_controller(void)
{
    UCHAR mode;

    while (READ_PORT_UCHAR(COMMAND_PORT) & OUTPUT_FULL)
        READ_PORT_UCHAR(DATA_PORT);
    WRITE_PORT_UCHAR(COMMAND_PORT, READ_COMMAND_BYTE);
    while (!(READ_PORT_UCHAR(COMMAND_PORT) & OUTPUT_FULL))
        KeStallExecutionProcessor(10);
    mode = READ_PORT_UCHAR(DATA_PORT);
    WRITE_PORT_UCHAR(COMMAND_PORT, WRITE_COMMAND_BYTE);
    WRITE_PORT_UCHAR(DATA_PORT, (UCHAR)(mode & ~KEYBOARD_INTERRUPT));
    return mode;
}

static void start_controller(UCHAR mode)
{
    WRITE_PORT_UCHAR(COMMAND_PORT, WRITE_COMMAND_BYTE);
    WRITE_PORT_UCHAR(DATA_PORT, (UCHAR)((mode | KEYBOARD_INTERRUPT | TRANSLATE) & ~KEYBOARD_OFF));
}

static NTSTATUS connect(PDEVICE_OBJECT device)
{
    PKEYBOARD keyboard = device->DeviceExtension;
    KAFFINITY affinity;
    KIRQL irql;
    ULONG vector = HalGetInterruptVector(Isa, 0, KEYBOARD_IRQ, KEYBOARD_IRQ, &irql, &affinity);

    return IoConnectInterrupt(&keyboard->Interrupt, keyboard_isr, device, NULL, vector, irql, irql, Latched,
                              FALSE, affinity, FALSE);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Keyboard0");
    PDEVICE_OBJECT device;
    PKEYBOARD keyboard;
    UCHAR mode = silence_controller();
    NTSTATUS status =
        IoCreateDevice(DriverObject, sizeof(KEYBOARD), &name, FILE_DEVICE_KEYBOARD, 0, FALSE, &device);

    if (!NT_SUCCESS(status))
        return status;
    device->Flags |= DO_BUFFERED_IO;
    keyboard = device->DeviceExtension;
    InitializeListHead(&keyboard->Reads);
    KeInitializeSpinLock(&keyboard->QueueLock);
    KeInitializeSpinLock(&keyboard->ReaderLock);
    IoCsqInitialize(&keyboard->Queue, csq_insert, csq_remove, csq_peek, csq_acquire, csq_release,
                    csq_cancelled);
    IoInitializeDpcRequest(device, keyboard_dpc);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = keyboard_create_close;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = keyboard_create_close;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = keyboard_cleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = keyboard_read;
    status = connect(device);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    start_controller(mode);
    return STATUS_SUCCESS;
}
