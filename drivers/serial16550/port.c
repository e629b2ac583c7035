/* SPDX-License-Identifier: MIT */
/*
 * The 16550 itself, at the device's IRQL: the ISR, and what the other files have
 * done under the interrupt spin lock.
 */
#include "serial16550.h"

#define PORT ((PUCHAR)0x3F8)

#define DATA           (PORT + 0) /* with LCR_DLAB: the divisor's low byte */
#define INTERRUPTS     (PORT + 1) /* with LCR_DLAB: its high byte */
#define IDENTIFICATION (PORT + 2)
#define FIFO_CONTROL   (PORT + 2)
#define LINE_CONTROL   (PORT + 3)
#define MODEM_CONTROL  (PORT + 4)
#define LINE_STATUS    (PORT + 5)
#define MODEM_STATUS   (PORT + 6)

#define WANT_RECEIVED 0x01
#define WANT_EMPTY    0x02
#define WANT_ERRORS   0x04
#define ID_NONE       0x01
#define ID_MASK       0x0F
#define ID_EMPTY      0x02
#define ID_ERRORS     0x06
#define ID_MODEM      0x00
#define FIFO_ON       0x87 /* enabled, both cleared, interrupt at 8 received bytes or after a pause */
#define FRAME_8N1     0x03
#define LCR_DLAB      0x80
#define DTR_RTS_OUT2  0x0B
#define HAS_DATA      0x01
#define HAS_OVERRUN   0x02
#define FIFO_BYTES    16

static void receive(struct extension *Extension)
{
    while (READ_PORT_UCHAR(LINE_STATUS) & HAS_DATA) {
        UCHAR byte = READ_PORT_UCHAR(DATA);
        Extension->Stats.Received++;
        if (Extension->RingPut - Extension->RingTaken == RING_BYTES)
            Extension->Stats.BufferOverruns++;
        else
            Extension->Ring[Extension->RingPut++ % RING_BYTES] = byte;
    }
}

/* The transmitter is empty: room for a FIFO full of bytes. */
static void transmit(struct extension *Extension)
{
    ULONG room;

    if (Extension->WriteNext == NULL)
        return;
    for (room = FIFO_BYTES; room > 0 && Extension->WriteLeft > 0; room--) {
        WRITE_PORT_UCHAR(DATA, *Extension->WriteNext++);
        Extension->WriteLeft--;
        Extension->Stats.Transmitted++;
    }
    if (room < FIFO_BYTES)
        return; /* it will be empty again */
    Extension->WriteNext = NULL;
    Extension->WriteSent = TRUE;
    WRITE_PORT_UCHAR(INTERRUPTS, WANT_RECEIVED | WANT_ERRORS);
}

/* The interrupt is an edge: all causes must be gone before the line can rise again. */
BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID Context)
{
    struct extension *Extension = Context;
    UCHAR id = READ_PORT_UCHAR(IDENTIFICATION) & ID_MASK;

    if (id == ID_NONE)
        return FALSE;
    for (; id != ID_NONE; id = READ_PORT_UCHAR(IDENTIFICATION) & ID_MASK) {
        if (id == ID_ERRORS)
            Extension->Stats.Overruns += (READ_PORT_UCHAR(LINE_STATUS) & HAS_OVERRUN) != 0;
        else if (id == ID_EMPTY)
            transmit(Extension);
        else if (id == ID_MODEM)
            READ_PORT_UCHAR(MODEM_STATUS);
        else
            receive(Extension);
    }
    if (Extension->WriteSent || Extension->RingPut != Extension->RingTaken)
        IoRequestDpc(Extension->DeviceObject, NULL, Extension);
    return TRUE;
}

/* Enabling the interrupt of the empty transmitter makes it interrupt: the ISR sends the first bytes. */
BOOLEAN NTAPI begin_write(PVOID Context)
{
    struct extension *Extension = Context;
    PIRP Irp = Extension->Writing;

    Extension->WriteNext = Irp->AssociatedIrp.SystemBuffer;
    Extension->WriteLeft = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    Extension->WriteSent = FALSE;
    WRITE_PORT_UCHAR(INTERRUPTS, WANT_RECEIVED | WANT_ERRORS | WANT_EMPTY);
    return TRUE;
}

BOOLEAN NTAPI stop_write(PVOID Context)
{
    struct extension *Extension = Context;

    Extension->WriteNext = NULL;
    Extension->WriteSent = FALSE;
    WRITE_PORT_UCHAR(INTERRUPTS, WANT_RECEIVED | WANT_ERRORS);
    return TRUE;
}

BOOLEAN NTAPI take_received(PVOID Context)
{
    struct take *Take = Context;
    struct extension *Extension = Take->Extension;

    for (; Take->Taken < Take->Length && Extension->RingTaken != Extension->RingPut; Take->Taken++)
        Take->To[Take->Taken] = Extension->Ring[Extension->RingTaken++ % RING_BYTES];
    return Take->Taken != 0;
}

BOOLEAN NTAPI copy_stats(PVOID Context)
{
    struct take *Take = Context;

    RtlCopyMemory(Take->To, &Take->Extension->Stats, sizeof(struct stats));
    return TRUE;
}

static void set_divisor(USHORT Divisor)
{
    WRITE_PORT_UCHAR(LINE_CONTROL, FRAME_8N1 | LCR_DLAB);
    WRITE_PORT_UCHAR(DATA, (UCHAR)Divisor);
    WRITE_PORT_UCHAR(INTERRUPTS, (UCHAR)(Divisor >> 8));
    WRITE_PORT_UCHAR(LINE_CONTROL, FRAME_8N1);
}

BOOLEAN NTAPI change_divisor(PVOID Context)
{
    set_divisor(*(PUSHORT)Context);
    return TRUE;
}

/* 115200 bits a second, 8N1. Called before the first request, and to be quiet at the end. */
BOOLEAN NTAPI start_port(PVOID Context)
{
    set_divisor(1);
    WRITE_PORT_UCHAR(FIFO_CONTROL, FIFO_ON);
    READ_PORT_UCHAR(LINE_STATUS);
    READ_PORT_UCHAR(MODEM_STATUS);
    WRITE_PORT_UCHAR(INTERRUPTS, WANT_RECEIVED | WANT_ERRORS);
    WRITE_PORT_UCHAR(MODEM_CONTROL, DTR_RTS_OUT2);
    return TRUE;
}

BOOLEAN NTAPI stop_port(PVOID Context)
{
    WRITE_PORT_UCHAR(INTERRUPTS, 0);
    WRITE_PORT_UCHAR(MODEM_CONTROL, 0);
    return TRUE;
}
