/* SPDX-License-Identifier: MIT */
/*
 * Connecting: what is refused, the forms of IoConnectInterruptEx, messages, soft connections, and
 * passive-level interrupts.
 */
#include "bell.h"

static struct bell first = {.port = 0x300}, second = {.port = 0x310};
static PDEVICE_OBJECT device;
static NTSTATUS(NTAPI *connect_ex)(PIO_CONNECT_INTERRUPT_PARAMETERS);
static VOID(NTAPI *disconnect_ex)(PIO_DISCONNECT_INTERRUPT_PARAMETERS);

/* Newer than the headers. */
struct active_state {
    ULONG Version;
    PKINTERRUPT InterruptObject;
};
static VOID(NTAPI *report_active)(struct active_state *);
static VOID(NTAPI *report_inactive)(struct active_state *);

/* ---- IoConnectInterrupt ---- */

static NTSTATUS try(ULONG vector, KIRQL irql, KIRQL synchronize, KINTERRUPT_MODE mode, KAFFINITY processors,
                    BOOLEAN floating)
{
    NTSTATUS status = IoConnectInterrupt(&first.interrupt, bell_isr, &first, NULL, vector, irql, synchronize,
                                         mode, FALSE, processors, floating);
    if (NT_SUCCESS(status))
        disconnect_bell(&first);
    return status;
}

static VOID what_is_refused(VOID)
{
    KIRQL irql = irql_of_bells;
    ULONG vector = vector_of_bells;
    CHECK_STATUS("INT-03", try(vector, irql, irql, LevelSensitive, 0, FALSE), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-03", try(vector, irql, irql, LevelSensitive, ~all, FALSE), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-03", try(vector, irql, irql, LevelSensitive, all, FALSE), STATUS_SUCCESS);
    CHECK_STATUS("INT-03", try(vector, irql, irql, LevelSensitive, all, TRUE), STATUS_SUCCESS);
    CHECK_STATUS("INT-03", try(vector, irql, irql, 2, all, FALSE), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-04", try(vector, irql, irql - 1, LevelSensitive, all, FALSE), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-04", try(vector, irql, irql + 1, LevelSensitive, all, FALSE), STATUS_SUCCESS);
    CHECK_STATUS("INT-04", try(vector, irql, HIGH_LEVEL + 1, Latched, all, FALSE), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-03", try(vector, irql - 1, irql, LevelSensitive, all, FALSE), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-03", try(0x1000, irql, irql, LevelSensitive, all, FALSE), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-15", try(vector, 0, 0, LevelSensitive, all, FALSE), STATUS_INVALID_PARAMETER);
}

/* ---- the system's vectors ---- */

static VOID vectors(VOID)
{
    KIRQL irql = 0, isa_irql = 0;
    KAFFINITY affinity = 0;
    CHECK("HAL-VECTOR", irql_of_bells > DISPATCH_LEVEL && irql_of_bells < CLOCK_LEVEL);
    CHECK_EQ("HAL-VECTOR", all, KeQueryActiveProcessors());
    CHECK("HAL-VECTOR", vector_of_bells != other_vector);
    CHECK_EQ("HAL-VECTOR", HalGetInterruptVector(PCIBus, 0, 20, 20, &irql, &affinity) >> 4, irql);
    CHECK_EQ("HAL-VECTOR", affinity, all);
    CHECK_EQ("HAL-VECTOR", HalGetInterruptVector(Isa, 0, 16, 16, &irql, &affinity), 0);
    CHECK_EQ("HAL-VECTOR", HalGetInterruptVector(PCIBus, 0, 24, 24, &irql, &affinity), 0);
    CHECK_EQ("HAL-VECTOR", HalGetInterruptVector(Isa, 1, 5, 5, &irql, &affinity), 0);
    CHECK_EQ("HAL-VECTOR", HalGetInterruptVector(MicroChannel, 0, 5, 5, &irql, &affinity), 0);
    CHECK_EQ("HAL-VECTOR", HalGetInterruptVector(PCIBus, 0, 5, 5, &irql, &affinity),
             HalGetInterruptVector(Isa, 0, 5, 5, &isa_irql, &affinity));
    CHECK_EQ("HAL-VECTOR", irql, isa_irql);
}

/* ---- IoConnectInterruptEx ---- */

static NTSTATUS connect_fully(struct bell *bell, ULONG version, USHORT group, KAFFINITY processors,
                              ULONG vector, PDEVICE_OBJECT pdo)
{
    IO_CONNECT_INTERRUPT_PARAMETERS p = {.Version = version};
    p.FullySpecified.PhysicalDeviceObject = pdo;
    p.FullySpecified.InterruptObject = &bell->interrupt;
    p.FullySpecified.ServiceRoutine = bell_isr;
    p.FullySpecified.ServiceContext = bell;
    p.FullySpecified.SynchronizeIrql = irql_of_bells;
    p.FullySpecified.ShareVector = TRUE;
    p.FullySpecified.Vector = vector;
    p.FullySpecified.Irql = irql_of_bells;
    p.FullySpecified.InterruptMode = LevelSensitive;
    p.FullySpecified.ProcessorEnableMask = processors;
    p.FullySpecified.Group = group;
    return connect_ex(&p);
}

static VOID disconnect_fully(struct bell *bell)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_FULLY_SPECIFIED};
    p.ConnectionContext.InterruptObject = bell->interrupt;
    disconnect_ex(&p);
}

#define FULLY(version, group, processors, vector)                                                            \
    connect_fully(&first, version, group, processors, vector, device)

static VOID fully_specified(VOID)
{
    ULONG vector = vector_of_bells;
    CHECK_STATUS("INT-03", FULLY(1, 0, 0, vector), STATUS_INVALID_PARAMETER_10);
    CHECK_STATUS("INT-11", FULLY(0, 0, all, vector), STATUS_INVALID_PARAMETER_1);
    CHECK_STATUS("INT-11", FULLY(99, 0, all, vector), STATUS_INVALID_PARAMETER_1);
    CHECK_STATUS("INT-11", FULLY(1, 0, all, 0x1000), STATUS_NOT_FOUND);
    CHECK_STATUS("INT-11", FULLY(4, 1, all, vector), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-11", connect_fully(&first, 1, 0, all, vector, NULL), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-11", FULLY(4, 0, all, vector), STATUS_SUCCESS);
    disconnect_fully(&first);
    CHECK_STATUS("INT-11", FULLY(1, 7, all, vector), STATUS_SUCCESS); /* the group is not looked at */
    ring(&first);
    until(&first.claimed, 1);
    CHECK_EQ("INT-11", first.claimed, 1);
    disconnect_fully(&first);
    forget(&first);
    ring(&first);
    pause(1);
    CHECK_EQ("INT-17", first.called, 0);
    hush(&first);
}

/* A device without assigned interrupts. A system that knew only the first form would change the version. */
static VOID assigned_interrupts(VOID)
{
    IO_CONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_LINE_BASED};
    p.LineBased.PhysicalDeviceObject = device;
    p.LineBased.InterruptObject = &first.interrupt;
    p.LineBased.ServiceRoutine = bell_isr;
    CHECK_STATUS("INT-11", connect_ex(&p), STATUS_NOT_FOUND);
    CHECK_EQ("INT-11", p.Version, CONNECT_LINE_BASED);
    p.LineBased.PhysicalDeviceObject = NULL;
    CHECK_STATUS("INT-11", connect_ex(&p), STATUS_INVALID_PARAMETER);
    IO_CONNECT_INTERRUPT_PARAMETERS m = {.Version = CONNECT_MESSAGE_BASED};
    m.MessageBased.PhysicalDeviceObject = device;
    m.MessageBased.ConnectionContext.InterruptObject = &first.interrupt;
    m.MessageBased.MessageServiceRoutine = (PKMESSAGE_SERVICE_ROUTINE)(PVOID)bell_isr;
    m.MessageBased.FallBackServiceRoutine = bell_isr;
    CHECK_STATUS("INT-11", connect_ex(&m), STATUS_NOT_FOUND);
    CHECK_EQ("INT-11", m.Version, CONNECT_MESSAGE_BASED);
    m.MessageBased.PhysicalDeviceObject = NULL;
    CHECK_STATUS("INT-11", connect_ex(&m), STATUS_INVALID_PARAMETER);
}

/* ---- a message ---- */

static volatile LONG messages;
static KIRQL message_irql;

static BOOLEAN NTAPI message_isr(PKINTERRUPT interrupt, PVOID context)
{
    message_irql = KeGetCurrentIrql();
    InterlockedIncrement(&messages);
    return TRUE;
}

static VOID a_message_reaches_its_vector(VOID)
{
    enum { VECTOR = 0x34 };
    PKINTERRUPT interrupt;
    CHECK_STATUS("INT-MESSAGE",
                 IoConnectInterrupt(&interrupt, message_isr, NULL, NULL, VECTOR, VECTOR >> 4, VECTOR >> 4,
                                    Latched, FALSE, all, FALSE),
                 STATUS_SUCCESS);
    for (LONG i = 1; i <= 3; i++) {
        __outdword(first.port + 4, VECTOR);
        until(&messages, i);
        CHECK_EQ("INT-MESSAGE", messages, i);
    }
    CHECK_EQ("INT-MESSAGE", message_irql, 3);
    IoDisconnectInterrupt(interrupt);
    __outdword(first.port + 4, VECTOR);
    pause(1);
    CHECK_EQ("INT-MESSAGE", messages, 3);
}

/* ---- soft connections ---- */

static VOID soft(VOID)
{
    connect_fully(&first, 1, 0, all, vector_of_bells, device);
    connect_fully(&second, 1, 0, all, vector_of_bells, device);
    struct active_state one = {CONNECT_FULLY_SPECIFIED, first.interrupt};
    struct active_state two = {CONNECT_FULLY_SPECIFIED, second.interrupt};
    KIRQL irql;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    report_inactive(&one);
    report_inactive(&one); /* no error */
    KeLowerIrql(irql);
    ring(&second);
    until(&second.claimed, 1);
    CHECK_EQ("INT-16", second.claimed, 1);
    CHECK_EQ("INT-16", first.called, 0);
    report_inactive(&two);
    ring(&first); /* nobody hears it: the line is masked */
    pause(1);
    CHECK_EQ("INT-16", first.called + second.called, 1);
    report_active(&one);
    until(&first.claimed, 1);
    CHECK_EQ("INT-16", first.claimed, 1);
    report_active(&one); /* no error */
    ring(&first);
    until(&first.claimed, 2);
    CHECK_EQ("INT-16", first.claimed, 2);
    disconnect_fully(&first);
    disconnect_fully(&second); /* while it is inactive */
    forget(&first);
    forget(&second);
}

/* ---- passive-level interrupts ---- */

static KEVENT go_on;
static volatile LONG sections_done, isr_inside;

static BOOLEAN NTAPI passive_isr(PKINTERRUPT interrupt, PVOID context)
{
    isr_inside = 1;
    KeWaitForSingleObject(&go_on, Executive, KernelMode, FALSE, NULL);
    isr_inside = 0;
    return bell_isr(interrupt, context);
}

static KIRQL passive_section_irql;

static BOOLEAN NTAPI passive_section(PVOID context)
{
    passive_section_irql = KeGetCurrentIrql();
    if (isr_inside)
        CHECK_EQ("INT-15", isr_inside, 0);
    pause(1); /* it may wait */
    return TRUE;
}

static VOID NTAPI synchronizing(PVOID context)
{
    KeSynchronizeExecution(first.interrupt, passive_section, NULL);
    sections_done = 1;
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS connect_passive(PKINTERRUPT *interrupt, PKSPIN_LOCK lock, KIRQL synchronize,
                                KINTERRUPT_MODE mode)
{
    IO_CONNECT_INTERRUPT_PARAMETERS p = {.Version = CONNECT_FULLY_SPECIFIED};
    p.FullySpecified.PhysicalDeviceObject = device;
    p.FullySpecified.InterruptObject = interrupt;
    p.FullySpecified.ServiceRoutine = passive_isr;
    p.FullySpecified.ServiceContext = &first;
    p.FullySpecified.SpinLock = lock;
    p.FullySpecified.Vector = vector_of_bells;
    p.FullySpecified.Irql = PASSIVE_LEVEL;
    p.FullySpecified.SynchronizeIrql = synchronize;
    p.FullySpecified.InterruptMode = mode;
    p.FullySpecified.ProcessorEnableMask = all;
    return connect_ex(&p);
}

static VOID passive(KINTERRUPT_MODE mode)
{
    KSPIN_LOCK lock;
    sections_done = 0;
    KeInitializeSpinLock(&lock);
    KeInitializeEvent(&go_on, SynchronizationEvent, FALSE);
    CHECK_STATUS("INT-15", connect_passive(&first.interrupt, &lock, PASSIVE_LEVEL, mode),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS("INT-15", connect_passive(&first.interrupt, NULL, PASSIVE_LEVEL, mode), STATUS_SUCCESS);
    ring(&first);
    until(&isr_inside, 1);
    CHECK_EQ("INT-15", isr_inside, 1);
    PKTHREAD thread = start_thread(synchronizing, NULL);
    pause(3);
    CHECK_EQ("INT-15", sections_done, 0); /* the event is the routine's */
    KeSetEvent(&go_on, 0, FALSE);
    until(&first.claimed, 1);
    end_thread(thread);
    CHECK_EQ("INT-15", sections_done, 1);
    CHECK_EQ("INT-15", first.called, 1);
    CHECK_EQ("INT-15", first.seen_irql, PASSIVE_LEVEL);
    CHECK_EQ("INT-15", passive_section_irql, PASSIVE_LEVEL);
    KeSetEvent(&go_on, 0, FALSE);
    ring(&first);
    until(&first.claimed, 2);
    CHECK_EQ("INT-15", first.claimed, 2);
    disconnect_bell(&first);
    forget(&first);
    KeClearEvent(&go_on);
}

/* ---- out of memory ---- */

struct block {
    struct block *next;
};

static VOID without_memory(VOID)
{
    struct block *blocks = NULL, *block;
    for (SIZE_T size = 1 << 20; size >= sizeof(*block); size = size > 4096 ? size / 2 : size - 16)
        while ((block = ExAllocatePoolWithTag(NonPagedPool, size, 'liaF')) != NULL) {
            block->next = blocks;
            blocks = block;
        }
    static PKINTERRUPT connected[8192];
    NTSTATUS status = STATUS_SUCCESS;
    ULONG count = 0;
    while (count < 8192 && NT_SUCCESS(status)) {
        status = IoConnectInterrupt(&connected[count], bell_isr, &first, NULL, vector_of_bells, irql_of_bells,
                                    irql_of_bells, LevelSensitive, TRUE, all, FALSE);
        count += NT_SUCCESS(status);
    }
    while (count > 0)
        IoDisconnectInterrupt(connected[--count]);
    while ((block = blocks) != NULL) {
        blocks = block->next;
        ExFreePoolWithTag(block, 'liaF');
    }
    CHECK_STATUS("INT-03", status, STATUS_INSUFFICIENT_RESOURCES);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path);

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    driver->DriverUnload = unload;
    NTSTATUS status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    /* The header's name leads to library code, which looks for the system's own. */
    connect_ex = routine(L"IoConnectInterruptEx");
    disconnect_ex = routine(L"IoDisconnectInterruptEx");
    report_active = routine(L"IoReportInterruptActive");
    report_inactive = routine(L"IoReportInterruptInactive");
    CHECK("INT-12", connect_ex == (PVOID)IoConnectInterruptEx && disconnect_ex != NULL);
    find_vectors();
    what_is_refused();
    vectors();
    fully_specified();
    assigned_interrupts();
    a_message_reaches_its_vector();
    soft();
    passive(LevelSensitive);
    passive(Latched);
    without_memory();
    return STATUS_SUCCESS;
}
