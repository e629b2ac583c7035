/* SPDX-License-Identifier: MIT */
/* Interrupts by the PDO: messages with a routine for lines behind them, what they share, what the table can
 * do. */
#include "pcifun.h"
#include <intrin.h>

#define BELL_PORT 0x300 /* of the doorbell model: + 4 sends the message that is written */

/* Newer than the headers. */
typedef struct {
    USHORT Size, Version;
    PVOID Context;
    PINTERFACE_REFERENCE InterfaceReference;
    PINTERFACE_DEREFERENCE InterfaceDereference;
    NTSTATUS(NTAPI *SetTableEntry)(PVOID Context, ULONG TableEntry, ULONG MessageNumber);
    NTSTATUS(NTAPI *MaskTableEntry)(PVOID Context, ULONG TableEntry);
    NTSTATUS(NTAPI *UnmaskTableEntry)(PVOID Context, ULONG TableEntry);
    PVOID GetTableEntry, GetTableSize;
} MSIX_TABLE;

static const GUID msix_table = {0x1A6A460B, 0x194F, 0x455D, {0xB3, 0x4B, 0xB8, 0x4C, 0x5B, 0x05, 0x71, 0x2B}};

static NTSTATUS(NTAPI *connect_ex)(PIO_CONNECT_INTERRUPT_PARAMETERS);
static VOID(NTAPI *disconnect_ex)(PIO_DISCONNECT_INTERRUPT_PARAMETERS);

static PVOID routine(PCWSTR text)
{
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, text);
    return MmGetSystemRoutineAddress(&name);
}

/* ---- service routines ---- */

static BOOLEAN NTAPI message_routine(PKINTERRUPT interrupt, PVOID context, ULONG message)
{
    struct device *d = context;
    KIRQL irql = KeGetCurrentIrql();

    if (message >= MOST_MESSAGES || interrupt != d->connection.table->MessageInfo[message].InterruptObject) {
        InterlockedIncrement(&d->wrong);
        return FALSE;
    }
    if (irql < d->level)
        d->level = irql;
    InterlockedIncrement(&d->counts[message]);
    for (; d->resend > 0; d->resend--)
        __outdword(BELL_PORT + 4, d->connection.table->MessageInfo[message].Vector);
    return TRUE;
}

static BOOLEAN NTAPI line_routine(PKINTERRUPT interrupt, PVOID context)
{
    struct device *d = context;
    /* The play raises the line and lowers it; the device has nothing to dismiss. */
    InterlockedIncrement(&d->line_count);
    return TRUE;
}

ULONG count_of(struct device *d, ULONG message)
{
    CHECK_EQ("INT-14", d->wrong, 0);
    if (message == ~0u)
        return (ULONG)(d->line_count != 0);
    if (d->counts[message] != 0)
        CHECK_EQ("SR-09", d->level, d->highest);
    return (ULONG)d->counts[message];
}

/* ---- connecting ---- */

static BOOLEAN NTAPI count_in_step(PVOID context)
{
    return KeGetCurrentIrql() == *(KIRQL *)context;
}

static void look_at_table(struct device *d)
{
    PIO_INTERRUPT_MESSAGE_INFO table = d->connection.table;

    CHECK_EQ("INT-14", table->MessageCount, d->messages);
    CHECK_EQ("SR-09", table->UnifiedIrql, d->highest);
    for (ULONG i = 0; i < table->MessageCount; i++) {
        PIO_INTERRUPT_MESSAGE_INFO_ENTRY entry = table->MessageInfo + i;
        CHECK_EQ("INT-14", entry->Vector >> 4, entry->Irql);
        CHECK_EQ("INT-14", entry->Mode, Latched);
        CHECK("INT-14", entry->InterruptObject != NULL);
        CHECK_EQ("INT-14", entry->TargetProcessorSet, KeQueryActiveProcessors());
        CHECK("INT-14", entry->MessageAddress.QuadPart != 0);
        if (i > 0 && !d->is_msix)
            CHECK_EQ("INT-14", entry->MessageData, entry[-1].MessageData + 1);
        /* One lock for all, at the highest of their levels. */
        CHECK("SR-09", KeSynchronizeExecution(entry->InterruptObject, count_in_step, &table->UnifiedIrql));
    }
}

static void a_line_will_not_do(struct device *d)
{
    IO_CONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_LINE_BASED};
    PKINTERRUPT object = NULL;

    p.LineBased.PhysicalDeviceObject = d->pdo;
    p.LineBased.InterruptObject = &object;
    p.LineBased.ServiceRoutine = line_routine;
    p.LineBased.ServiceContext = d;
    CHECK_STATUS("INT-10", connect_ex(&p), d->messages > 1 ? STATUS_INVALID_DEVICE_REQUEST : STATUS_SUCCESS);
    if (object != NULL) {
        IO_DISCONNECT_INTERRUPT_PARAMETERS q = {.Version = CONNECT_LINE_BASED};
        q.ConnectionContext.InterruptObject = object;
        disconnect_ex(&q);
    }
}

static void without_fallback(struct device *d)
{
    IO_CONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_MESSAGE_BASED};

    p.MessageBased.PhysicalDeviceObject = d->pdo;
    p.MessageBased.ConnectionContext.Generic = &d->connection.generic;
    p.MessageBased.MessageServiceRoutine = message_routine;
    CHECK_STATUS("INT-09", connect_ex(&p), STATUS_NOT_FOUND);
    CHECK_EQ("INT-09", p.Version, CONNECT_MESSAGE_BASED);
}

void connect_interrupts(struct device *d)
{
    IO_CONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_MESSAGE_BASED};

    connect_ex = routine(L"IoConnectInterruptEx");
    disconnect_ex = routine(L"IoDisconnectInterruptEx");
    if (d->messages != 0)
        a_line_will_not_do(d);
    else
        without_fallback(d);
    p.MessageBased.PhysicalDeviceObject = d->pdo;
    p.MessageBased.ConnectionContext.Generic = &d->connection.generic;
    p.MessageBased.MessageServiceRoutine = message_routine;
    p.MessageBased.ServiceContext = d;
    p.MessageBased.FallBackServiceRoutine = line_routine;
    CHECK_STATUS("INT-09", connect_ex(&p), STATUS_SUCCESS);
    CHECK_EQ("INT-09", p.Version, d->messages != 0 ? CONNECT_MESSAGE_BASED : CONNECT_LINE_BASED);
    d->version = p.Version;
    if (d->version == CONNECT_MESSAGE_BASED)
        look_at_table(d);
}

void disconnect_interrupts(struct device *d)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS p = {.Version = d->version};
    p.ConnectionContext.Generic = d->connection.generic;
    disconnect_ex(&p);
    d->connection.generic = NULL;
}

/* ---- messages that come together ---- */

static void wait_for(volatile LONG *count, LONG wanted)
{
    LARGE_INTEGER soon = {.QuadPart = -10000};
    for (ULONG i = 0; i < 1000 && *count < wanted; i++)
        KeDelayExecutionThread(KernelMode, FALSE, &soon);
}

/* Five times while it cannot be served: once is enough, and none is not. */
void merge_messages(struct device *d)
{
    ULONG vector = d->connection.table->MessageInfo[0].Vector;
    KAFFINITY one = 1;
    LONG before = d->counts[0];
    KIRQL irql;

    KeSetSystemAffinityThread(one);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    for (int i = 0; i < 5; i++)
        __outdword(BELL_PORT + 4, vector);
    KeLowerIrql(irql);
    wait_for(&d->counts[0], before + 1);
    CHECK("INT-13", d->counts[0] >= before + 1);
    CHECK("INT-13", d->counts[0] < before + 5);
    /* Three while it is being served: it is called once more. */
    before = d->counts[0];
    d->resend = 3;
    __outdword(BELL_PORT + 4, vector);
    wait_for(&d->counts[0], before + 2);
    KeStallExecutionProcessor(50);
    KeRevertToUserAffinityThread();
    CHECK_EQ("INT-13", d->counts[0], before + 2);
}

/* ---- the table ---- */

static NTSTATUS get_table(struct device *d, MSIX_TABLE *table)
{
    IO_STACK_LOCATION parameters;
    RtlZeroMemory(&parameters, sizeof(parameters));
    RtlZeroMemory(table, sizeof(*table));
    parameters.Parameters.QueryInterface.InterfaceType = &msix_table;
    parameters.Parameters.QueryInterface.Size = sizeof(*table);
    parameters.Parameters.QueryInterface.Version = 1;
    parameters.Parameters.QueryInterface.Interface = (PINTERFACE)table;
    return ask_pnp(d, IRP_MN_QUERY_INTERFACE, &parameters, NULL);
}

/* 0: entry 1 waits; 1: it need not any more; 2: entry 1 sends message 2; 3: entry 1 sends its own again. */
void use_table(struct device *d, ULONG step)
{
    MSIX_TABLE table;
    NTSTATUS status = get_table(d, &table);

    CHECK_STATUS("PNP-08", status, d->is_msix ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED);
    if (!NT_SUCCESS(status))
        return;
    CHECK_STATUS("PNP-08", table.SetTableEntry(table.Context, 999, 0), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("PNP-08", table.SetTableEntry(table.Context, 0, 999), STATUS_INVALID_PARAMETER);
    if (step == 0)
        CHECK_STATUS("PNP-08", table.MaskTableEntry(table.Context, 1), STATUS_SUCCESS);
    else if (step == 1)
        CHECK_STATUS("PNP-08", table.UnmaskTableEntry(table.Context, 1), STATUS_SUCCESS);
    else
        CHECK_STATUS("PNP-08", table.SetTableEntry(table.Context, 1, step == 2 ? 2 : 1), STATUS_SUCCESS);
    table.InterfaceDereference(table.Context);
}
