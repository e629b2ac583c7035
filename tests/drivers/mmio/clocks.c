/* SPDX-License-Identifier: MIT */
/*
 * The interrupts of the machine's own devices: the CMOS clock (IRQ 8), the
 * timer (IRQ 0), and INTx of a PCI function, which is raised from outside and
 * which the ISR silences by the function's command register.
 */
#include "rltest.h"

#define SLOT              5
#define INTERRUPT_DISABLE 0x0400
#define INTERRUPT_STATUS  0x08

typedef struct {
    PKINTERRUPT Interrupt;
    volatile LONG Count;
    volatile ULONG Flags;
} SOURCE;

static SOURCE rtc, pit, intx, msi;
static KDPC intx_dpc;

NTHALAPI ULONG NTAPI HalGetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                                   ULONG Length);
NTHALAPI ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                                           ULONG BusInterruptLevel, ULONG BusInterruptVector, PKIRQL Irql,
                                           PKAFFINITY Affinity);

static UCHAR read_cmos(UCHAR index)
{
    WRITE_PORT_UCHAR((PUCHAR)0x70, index);
    return READ_PORT_UCHAR((PUCHAR)0x71);
}

static void write_cmos(UCHAR index, UCHAR value)
{
    WRITE_PORT_UCHAR((PUCHAR)0x70, index);
    WRITE_PORT_UCHAR((PUCHAR)0x71, value);
}

static BOOLEAN NTAPI rtc_isr(PKINTERRUPT Interrupt, PVOID Context)
{
    UCHAR flags = read_cmos(12);

    if (!(flags & 0x80))
        return FALSE;
    rtc.Count++;
    rtc.Flags |= flags;
    return TRUE;
}

static BOOLEAN NTAPI pit_isr(PKINTERRUPT Interrupt, PVOID Context)
{
    pit.Count++;
    return TRUE;
}

static ULONG config(ULONG offset)
{
    ULONG value = 0;

    HalGetBusDataByOffset(PCIConfiguration, 0, SLOT, &value, offset, sizeof(value));
    return value;
}

static BOOLEAN NTAPI intx_isr(PKINTERRUPT Interrupt, PVOID Context)
{
    ULONG command = config(4);
    USHORT silent = (USHORT)(command | INTERRUPT_DISABLE);

    if (!(command >> 16 & INTERRUPT_STATUS) || (command & INTERRUPT_DISABLE))
        return FALSE;
    HalSetBusDataByOffset(PCIConfiguration, 0, SLOT, &silent, 4, sizeof(silent));
    intx.Count++;
    KeInsertQueueDpc(&intx_dpc, NULL, NULL);
    return TRUE;
}

/* Once, however long the line stays up. */
static VOID NTAPI on_intx(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    CHECK_EQ("HAL-INTX", intx.Count, 1);
    CHECK_EQ("HAL-INTX", KeGetCurrentIrql(), DISPATCH_LEVEL);
}

static BOOLEAN NTAPI msi_isr(PKINTERRUPT Interrupt, PVOID Context)
{
    DbgPrint("message\n");
    msi.Count++;
    return TRUE;
}

static void set_config(ULONG offset, ULONG value, ULONG length)
{
    HalSetBusDataByOffset(PCIConfiguration, 0, SLOT, &value, offset, length);
}

static UCHAR find_capability(UCHAR id)
{
    UCHAR at = (UCHAR)config(0x34);

    while (at != 0 && (UCHAR)config(at) != id)
        at = (UCHAR)(config(at) >> 8);
    return at;
}

/* By hand, as drivers did before the system knew messages: the vector of an ISA line that nothing uses. */
static void use_messages(void)
{
    KAFFINITY affinity;
    KIRQL irql;
    ULONG vector = HalGetInterruptVector(Isa, 0, 5, 5, &irql, &affinity);
    UCHAR at = find_capability(PCI_CAPABILITY_ID_MSI);

    CHECK("HAL-MSI", at != 0);
    CHECK_STATUS("HAL-MSI",
                 IoConnectInterrupt(&msi.Interrupt, msi_isr, NULL, NULL, vector, irql, irql, Latched, FALSE,
                                    affinity, FALSE),
                 STATUS_SUCCESS);
    set_config(at + 4, 0xFEE00000, 4);
    set_config(at + 0xC, vector, 2);
    set_config(at + 2, 1, 2);
    set_config(4, PCI_ENABLE_MEMORY_SPACE | PCI_ENABLE_BUS_MASTER, 2);
}

static NTSTATUS connect(SOURCE *source, PKSERVICE_ROUTINE isr, INTERFACE_TYPE bus, ULONG line,
                        KINTERRUPT_MODE mode)
{
    KAFFINITY affinity;
    KIRQL irql;
    ULONG vector = HalGetInterruptVector(bus, 0, line, line, &irql, &affinity);

    return IoConnectInterrupt(&source->Interrupt, isr, source, NULL, vector, irql, irql, mode,
                              mode == LevelSensitive, affinity, FALSE);
}

static void wait_ms(ULONG ms)
{
    LARGE_INTEGER due = {.QuadPart = -10000ll * ms};

    KeDelayExecutionThread(KernelMode, FALSE, &due);
}

static void wait_for(volatile LONG *count, LONG wanted)
{
    ULONG i;

    for (i = 0; i < 500 && *count < wanted; i++)
        wait_ms(10);
}

static void use_the_clock(void)
{
    UCHAR mode = (UCHAR)(read_cmos(11) & 0x0F);

    CHECK_STATUS("HAL-CLOCKS", connect(&rtc, rtc_isr, Isa, 8, Latched), STATUS_SUCCESS);
    write_cmos(10, 0x26); /* 1024 a second */
    read_cmos(12);
    write_cmos(11, mode | 0x40);
    wait_for(&rtc.Count, 50);
    CHECK("HAL-CLOCKS", rtc.Count >= 50);
    CHECK("HAL-CLOCKS", rtc.Flags & 0x40);
    write_cmos(11, mode);
    wait_ms(20);
    rtc.Count = 0;
    wait_ms(50);
    CHECK_EQ("HAL-CLOCKS", rtc.Count, 0);
    rtc.Flags = 0;
    read_cmos(12);
    write_cmos(11, mode | 0x10); /* the end of the second */
    wait_for(&rtc.Count, 1);
    CHECK_EQ("HAL-CLOCKS", rtc.Flags & 0xD0, 0x90 | (rtc.Flags & 0x40));
    rtc.Count = 0;
    write_cmos(1, 0xFF);
    write_cmos(3, 0xFF);
    write_cmos(5, 0xFF);
    write_cmos(11, mode | 0x20); /* the alarm: any second */
    wait_for(&rtc.Count, 1);
    CHECK("HAL-CLOCKS", rtc.Flags & 0x20);
    write_cmos(11, mode);
    IoDisconnectInterrupt(rtc.Interrupt);
}

static void program_timer(USHORT count)
{
    WRITE_PORT_UCHAR((PUCHAR)0x43, 0x34); /* counter 0, rate */
    WRITE_PORT_UCHAR((PUCHAR)0x40, (UCHAR)count);
    WRITE_PORT_UCHAR((PUCHAR)0x40, (UCHAR)(count >> 8));
}

static void use_the_timer(void)
{
    CHECK_STATUS("HAL-CLOCKS", connect(&pit, pit_isr, Isa, 0, Latched), STATUS_SUCCESS);
    program_timer(1193); /* 1000 a second */
    wait_for(&pit.Count, 50);
    CHECK("HAL-CLOCKS", pit.Count >= 50);
    IoDisconnectInterrupt(pit.Interrupt);
}

static VOID NTAPI clocks_unload(PDRIVER_OBJECT DriverObject)
{
    CHECK_EQ("HAL-INTX", intx.Count, 1);
    CHECK_EQ("HAL-MSI", msi.Count, 2);
    IoDisconnectInterrupt(intx.Interrupt);
    IoDisconnectInterrupt(msi.Interrupt);
    IoDeleteDevice(DriverObject->DeviceObject);
}

/* The second part begins when somebody opens the device. */
static NTSTATUS NTAPI clocks_create(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (msi.Interrupt == NULL)
        use_messages();
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI clocks_close(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Clocks");
    PDEVICE_OBJECT device;

    IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    DriverObject->DriverUnload = clocks_unload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = clocks_create;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = clocks_close;
    use_the_clock();
    use_the_timer();
    KeInitializeDpc(&intx_dpc, on_intx, NULL);
    CHECK_STATUS("HAL-INTX", connect(&intx, intx_isr, PCIBus, config(0x3C) & 0xFF, LevelSensitive),
                 STATUS_SUCCESS);
    return STATUS_SUCCESS;
}
