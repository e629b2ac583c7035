/* SPDX-License-Identifier: MIT */
/*
 * What the files of serial16550 share: port.c has what runs at the device's
 * IRQL, write.c and read.c the two directions, serial16550.c the rest.
 *
 * Who may touch what:
 *   the interrupt spin lock (the ISR, and KeSynchronizeExecution): the port's
 *     registers, the ring, what is left of the current write
 *   Lock: the current write (Writing), as the DPC, the timer and a cancel may
 *     each end it: who takes it completes it
 *   ReadLock: the queue of reads, inside IoCsq
 */
#ifndef SERIAL16550_H
#define SERIAL16550_H

#include <ntddk.h>

#define RING_BYTES 256 /* a power of two */

struct stats { /* SERIALPERF_STATS */
    ULONG Received, Transmitted, FrameErrors, Overruns, BufferOverruns, ParityErrors;
};

struct extension {
    PDEVICE_OBJECT DeviceObject;
    PKINTERRUPT Interrupt;

    /* under the interrupt spin lock */
    UCHAR Ring[RING_BYTES];
    volatile ULONG RingPut, RingTaken;
    const UCHAR *WriteNext;
    ULONG WriteLeft;
    BOOLEAN WriteSent; /* all of it is out of the FIFO */
    struct stats Stats;

    KSPIN_LOCK Lock;
    PIRP Writing;
    ULONG WriteSeconds; /* until it times out; 0: never */

    KSPIN_LOCK ReadLock;
    LIST_ENTRY Reads;
    IO_CSQ Csq;
    LONG Serving; /* interlocked: one at a time takes from the ring */

    volatile ULONG Seconds;          /* since the driver was loaded */
    ULONG ReadTimeout, WriteTimeout; /* in seconds, for requests that come from now on; 0: never */
};

static inline NTSTATUS complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information, CCHAR Boost)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, Boost);
    return Status;
}

/* ---- port.c: at DIRQL, for KeSynchronizeExecution with the extension or as said ---- */
KSERVICE_ROUTINE isr;
BOOLEAN NTAPI start_port(PVOID Unused);
BOOLEAN NTAPI stop_port(PVOID Unused);
BOOLEAN NTAPI begin_write(PVOID Extension);
BOOLEAN NTAPI stop_write(PVOID Extension);
BOOLEAN NTAPI change_divisor(PVOID Divisor);
struct take {
    struct extension *Extension;
    PUCHAR To;
    ULONG Length, Taken;
};
BOOLEAN NTAPI take_received(PVOID Take); /* FALSE: nothing is there */
BOOLEAN NTAPI copy_stats(PVOID Take);

/* ---- write.c ---- */
DRIVER_STARTIO start_io;
DRIVER_DISPATCH dispatch_write;
enum reason { ALL_SENT, TIMED_OUT, CANCELED };
/* The current write, if it is over for that reason, else NULL. Sent: how much of it went to the port. */
PIRP take_write(struct extension *Extension, enum reason Reason, PIRP Canceled, PULONG Sent);
void end_write(struct extension *Extension, PIRP Irp, NTSTATUS Status, ULONG Sent);

/* ---- read.c ---- */
DRIVER_DISPATCH dispatch_read;
void initialize_reads(struct extension *Extension);
void serve_reads(struct extension *Extension);
/* Which reads are looked for: those of a file, or those whose time has come (DriverContext[0], 0: never). */
struct wanted {
    PFILE_OBJECT File;
    ULONG Seconds;
};
void end_reads(struct extension *Extension, struct wanted Wanted, NTSTATUS Status);

#endif
