/* SPDX-License-Identifier: MIT */
/*
 * Finds a PCI function, sizes and maps its BARs, and uses its registers in the
 * ways that compilers and headers give: moves of all widths, read-modify-write,
 * locked, string, SSE and copy routines. Built by clang, for __try.
 */
#include "rltest.h"

#define SLOT      5
#define REGISTERS 8192
#define NOBODY    0xF8000000u /* no device is there */

NTHALAPI ULONG NTAPI HalGetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                                   ULONG Length);

/* As current headers have them. */
#undef READ_REGISTER_ULONG64
#undef WRITE_REGISTER_ULONG64
#define READ_REGISTER_ULONG64(r)            (*(volatile ULONG64 *)(r))
#define WRITE_REGISTER_ULONG64(r, v)        (*(volatile ULONG64 *)(r) = (v))
#define READ_REGISTER_BUFFER_ULONG(r, b, n) __movsd((b), (r), (n))
#define READ_REGISTER_BUFFER_UCHAR(r, b, n) __movsb((b), (r), (n))

static PCI_COMMON_CONFIG config;
static volatile UCHAR *registers; /* BAR 1 */
static volatile UCHAR *memory;    /* BAR 2 */

static ULONG slot_number(void)
{
    PCI_SLOT_NUMBER slot = {.u.AsULONG = 0};

    slot.u.bits.DeviceNumber = SLOT;
    return slot.u.AsULONG;
}

static void set_config(ULONG offset, ULONG value)
{
    CHECK_EQ("HAL-PCI",
             HalSetBusDataByOffset(PCIConfiguration, 0, slot_number(), &value, offset, sizeof(value)), 4);
}

static ULONG get_config(ULONG offset)
{
    ULONG value = 0;

    HalGetBusDataByOffset(PCIConfiguration, 0, slot_number(), &value, offset, sizeof(value));
    return value;
}

/* The bus driver's protocol: all ones, read back, restore. */
static ULONG size_of_bar(ULONG offset, ULONG mask)
{
    ULONG before = get_config(offset), size;

    set_config(offset, 0xFFFFFFFF);
    size = ~(get_config(offset) & mask) + 1;
    set_config(offset, before);
    return size;
}

static ULONG functions_on_the_bus(void)
{
    ULONG device, found = 0;
    USHORT vendor;

    for (device = 0; device < 32; device++) {
        if (HalGetBusData(PCIConfiguration, 0, device, &vendor, sizeof(vendor)) == sizeof(vendor) &&
            vendor != 0xFFFF)
            found++;
    }
    return found;
}

static void look_for_the_device(void)
{
    CHECK_EQ("HAL-PCI", functions_on_the_bus(), 1);
    CHECK_EQ("HAL-PCI", HalGetBusData(PCIConfiguration, 0, slot_number(), &config, sizeof(config)),
             sizeof(config));
    CHECK_EQ("HAL-PCI", config.VendorID, 0x1AF4);
    CHECK_EQ("HAL-PCI", config.DeviceID, 0x1110);
    CHECK_EQ("HAL-PCI", config.BaseClass, PCI_CLASS_MEMORY_CTLR);
    CHECK_EQ("HAL-PCI", config.u.type0.InterruptPin, 1);
    CHECK_EQ("HAL-PCI", config.u.type0.InterruptLine, 17);
    CHECK_EQ("HAL-PCI", config.Command & 3, PCI_ENABLE_IO_SPACE | PCI_ENABLE_MEMORY_SPACE);
    CHECK_EQ("HAL-PCI", size_of_bar(0x10, ~3u), 16);
    CHECK_EQ("HAL-PCI", size_of_bar(0x14, ~15u), REGISTERS);
    CHECK_EQ("HAL-PCI", size_of_bar(0x18, ~15u), 1 << 20);
    CHECK_EQ("HAL-PCI", get_config(0x14), config.u.type0.BaseAddresses[1]);
}

static void use_ports(void)
{
    ULONG_PTR port = config.u.type0.BaseAddresses[0] & ~3u;

    WRITE_PORT_ULONG((PULONG)(port + 4), 0x11223344);
    CHECK_EQ("HAL-PCI", READ_PORT_ULONG((PULONG)(port + 4)), 0x11223344);
    CHECK_EQ("HAL-PCI", READ_PORT_USHORT((PUSHORT)(port + 6)), 0x1122);
    CHECK_EQ("HAL-PCI", READ_PORT_UCHAR((PUCHAR)(port + 5)), 0x33);
}

static volatile UCHAR *map(ULONGLONG address, SIZE_T bytes)
{
    PHYSICAL_ADDRESS pa = {.QuadPart = (LONGLONG)address};

    return MmMapIoSpace(pa, bytes, MmNonCached);
}

static void widths(void)
{
    WRITE_REGISTER_ULONG64((volatile ULONG64 *)registers, 0x8877665544332211);
    CHECK_EQ("HAL-MMIO", READ_REGISTER_UCHAR((PUCHAR)registers + 1), 0x22);
    CHECK_EQ("HAL-MMIO", READ_REGISTER_USHORT((PUSHORT)(registers + 2)), 0x4433);
    CHECK_EQ("HAL-MMIO", READ_REGISTER_ULONG((PULONG)(registers + 4)), 0x88776655);
    CHECK_EQ("HAL-MMIO", READ_REGISTER_ULONG64((volatile ULONG64 *)registers), 0x8877665544332211);
    WRITE_REGISTER_UCHAR((PUCHAR)registers, 0xAA);
    WRITE_REGISTER_USHORT((PUSHORT)(registers + 2), 0xBBBB);
    WRITE_REGISTER_ULONG((PULONG)(registers + 4), 0xCCCCCCCC);
    CHECK_EQ("HAL-MMIO", READ_REGISTER_ULONG64((volatile ULONG64 *)registers), 0xCCCCCCCCBBBB22AA);
    CHECK_EQ("HAL-MMIO", *(volatile ULONG UNALIGNED *)(registers + 2), 0xCCCCBBBB); /* two pieces */
    *(volatile ULONG64 UNALIGNED *)(registers + 0xFFD) = 0x0102030405060708;        /* across pages */
    CHECK_EQ("HAL-MMIO", *(volatile ULONG UNALIGNED *)(registers + 0x1000), 0x02030405);
    CHECK_EQ("HAL-MMIO", (LONG) * (volatile signed char *)registers, -86);
}

static void buffers(void)
{
    ULONG out[4] = {1, 2, 3, 4}, in[4] = {0};

    WRITE_REGISTER_BUFFER_ULONG((PULONG)(registers + 0x40), out, 4);
    READ_REGISTER_BUFFER_ULONG((PULONG)(registers + 0x40), in, 4);
    CHECK_EQ("HAL-MMIO", RtlCompareMemory(out, in, sizeof(in)), sizeof(in));
    READ_REGISTER_BUFFER_UCHAR((PUCHAR)registers + 0x44, (PUCHAR)in, 3);
    CHECK_EQ("HAL-MMIO", in[0], 2);
    WRITE_REGISTER_BUFFER_USHORT((PUSHORT)(registers + 0x50), (PUSHORT)out, 8);
    CHECK_EQ("HAL-MMIO", READ_REGISTER_ULONG((PULONG)(registers + 0x5C)), 4);
    RtlCopyMemory((PVOID)(registers + 0x61), out, sizeof(out));
    RtlZeroMemory(in, sizeof(in));
    RtlMoveMemory(in, (PVOID)(registers + 0x61), sizeof(in));
    CHECK_EQ("HAL-MMIO", RtlCompareMemory((PVOID)(registers + 0x61), out, sizeof(out)), sizeof(out));
    CHECK_EQ("HAL-MMIO", in[3], 4);
    RtlFillMemory((PVOID)(registers + 0x61), sizeof(out), 0x5A);
    CHECK_EQ("HAL-MMIO", READ_REGISTER_UCHAR((PUCHAR)registers + 0x70), 0x5A);
}

static void changes(void)
{
    volatile LONG *counter = (volatile LONG *)(registers + 0x80);
    volatile ULONG *bits = (volatile ULONG *)(registers + 0x84);
    ULONG64 flags;

    *counter = 5;
    InterlockedIncrement(counter);
    InterlockedExchangeAdd(counter, 10);
    CHECK_EQ("HAL-MMIO", *counter, 16);
    CHECK_EQ("HAL-MMIO", InterlockedCompareExchange(counter, 7, 16), 16);
    CHECK_EQ("HAL-MMIO", InterlockedExchange(counter, 9), 7);
    *bits = 0x0F;
    *bits |= 0xF0;
    *bits &= ~1u;
    *bits ^= 0x100;
    CHECK_EQ("HAL-MMIO", *bits, 0x1FE);
    *bits <<= 3;
    CHECK_EQ("HAL-MMIO", *bits, 0xFF0);
    __asm__ volatile("lock btsl $0, %1; pushfq; popq %0" : "=r"(flags), "+m"(*bits));
    CHECK_EQ("HAL-MMIO", flags & 1, 0);
    CHECK_EQ("HAL-MMIO", *bits, 0xFF1);
    __asm__ volatile("movups %0, %%xmm3; paddd %0, %%xmm3; movups %%xmm3, %1"
                     : "+m"(*(volatile UCHAR(*)[16])(registers + 0x80)),
                       "=m"(*(volatile UCHAR(*)[16])(registers + 0x90))
                     :
                     : "xmm3");
    CHECK_EQ("HAL-MMIO", *(volatile ULONG *)(registers + 0x90), 18);
    CHECK_EQ("HAL-MMIO", *(volatile ULONG *)(registers + 0x94), 0x1FE2);
}

static __attribute__((noinline)) ULONG quotient_of(volatile ULONG *divisor)
{
    ULONG quotient = 1000, rest = 0;

    __asm__ volatile("divl %2" : "+a"(quotient), "+d"(rest) : "m"(*divisor) : "cc");
    return quotient;
}

static NTSTATUS divide_by(volatile ULONG *divisor, PULONG quotient)
{
    __try {
        *quotient = quotient_of(divisor);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

/* An instruction that traps at the device is the driver's exception, at the instruction. */
static void exceptions(void)
{
    volatile ULONG *divisor = (volatile ULONG *)(registers + 0xA0);
    ULONG quotient = 0;

    *divisor = 8;
    CHECK_STATUS("HAL-MMIO", divide_by(divisor, &quotient), STATUS_SUCCESS);
    CHECK_EQ("HAL-MMIO", quotient, 125);
    *divisor = 0;
    CHECK_STATUS("HAL-MMIO", divide_by(divisor, &quotient), STATUS_INTEGER_DIVIDE_BY_ZERO);
}

/* The other end of a string instruction faults as it would without a device. */
static __attribute__((noinline)) SIZE_T copy_16(volatile UCHAR *to)
{
    volatile UCHAR *from = registers + 0x40;
    SIZE_T count = 16;

    __asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
    return count;
}

static NTSTATUS copy_to(volatile UCHAR *to, SIZE_T *left)
{
    __try {
        *left = copy_16(to);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    return STATUS_SUCCESS;
}

static void strings(void)
{
    volatile UCHAR *user = (volatile UCHAR *)0x10; /* nothing is ever mapped there */
    UCHAR buffer[16] = {0};
    SIZE_T left = 16;

    CHECK_STATUS("HAL-MMIO", copy_to(buffer, &left), STATUS_SUCCESS);
    CHECK_EQ("HAL-MMIO", left, 0);
    CHECK_EQ("HAL-MMIO", buffer[4], 2);
    CHECK_STATUS("HAL-MMIO", copy_to(user, &left), STATUS_ACCESS_VIOLATION);
}

#define THREADS 4
#define TURNS   1500

static VOID NTAPI count_in_a_register(PVOID Context)
{
    volatile LONG *counter = (volatile LONG *)(registers + 0xB0);
    volatile ULONG64 *bits = (volatile ULONG64 *)(registers + 0xB8);
    ULONG i;

    for (i = 0; i < TURNS; i++) {
        InterlockedIncrement(counter);
        __asm__ volatile("lock xorq %1, %0" : "+m"(*bits) : "r"((ULONG64)Context));
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/* Locked instructions exclude each other at a device too. */
static void locks(void)
{
    HANDLE threads[THREADS];
    PVOID thread;
    ULONG_PTR i;

    *(volatile LONG *)(registers + 0xB0) = 0;
    *(volatile ULONG64 *)(registers + 0xB8) = 0x5555;
    for (i = 0; i < THREADS; i++)
        PsCreateSystemThread(&threads[i], THREAD_ALL_ACCESS, NULL, NULL, NULL, count_in_a_register,
                             (PVOID)(0x10001ull << i));
    for (i = 0; i < THREADS; i++) {
        ObReferenceObjectByHandle(threads[i], 0, NULL, KernelMode, &thread, NULL);
        KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, NULL);
        ObDereferenceObject(thread);
        ZwClose(threads[i]);
    }
    CHECK_EQ("HAL-MMIO", *(volatile LONG *)(registers + 0xB0), THREADS * TURNS);
    CHECK_EQ("HAL-MMIO", *(volatile ULONG64 *)(registers + 0xB8), 0x5555);
}

static void nobody_answers(void)
{
    volatile UCHAR *nobody = map(NOBODY, PAGE_SIZE);

    CHECK_EQ("HAL-MMIO", *(volatile ULONG *)nobody, 0xFFFFFFFF);
    *(volatile ULONG *)nobody = 5;
    CHECK_EQ("HAL-MMIO", *(volatile ULONG64 *)nobody, ~0ull);
    CHECK_EQ("HAL-MMIO", READ_REGISTER_UCHAR((PUCHAR)nobody + 7), 0xFF);
    MmUnmapIoSpace((PVOID)nobody, PAGE_SIZE);
}

/* The BAR moves while it is decoded: the old place answers no more, the new one does. */
static void move_the_bar(void)
{
    ULONG before = get_config(0x14) & ~15u;
    volatile UCHAR *moved = map(0xF0000000u, REGISTERS);

    *(volatile ULONG *)(registers + 8) = 0x600D;
    set_config(0x14, 0xF0000000u);
    CHECK_EQ("HAL-PCI", *(volatile ULONG *)(moved + 8), 0x600D);
    CHECK_EQ("HAL-PCI", *(volatile ULONG *)(registers + 8), 0xFFFFFFFF);
    set_config(4, get_config(4) & ~PCI_ENABLE_MEMORY_SPACE);
    CHECK_EQ("HAL-PCI", *(volatile ULONG *)(moved + 8), 0xFFFFFFFF);
    set_config(0x14, before);
    set_config(4, (get_config(4) & 0xFFFF) | PCI_ENABLE_MEMORY_SPACE);
    CHECK_EQ("HAL-PCI", *(volatile ULONG *)(registers + 8), 0x600D);
    MmUnmapIoSpace((PVOID)moved, REGISTERS);
}

/* A BAR that is memory: no access of it traps, and another mapping shows the same bytes. */
static void memory_is_memory(void)
{
    ULONG bar = get_config(0x18) & ~15u;
    volatile UCHAR *again = map(bar + 0x3000, PAGE_SIZE);
    ULONG i, wrong = 0;

    for (i = 0; i < PAGE_SIZE; i++)
        memory[0x3000 + i] = (UCHAR)(i * 7);
    for (i = 0; i < PAGE_SIZE; i++)
        wrong += again[i] != (UCHAR)(i * 7);
    CHECK_EQ("HAL-PCI", wrong, 0);
    CHECK_EQ("HAL-PCI", MmGetPhysicalAddress((PVOID)again).QuadPart, bar + 0x3000);
    set_config(4, get_config(4) & 0xFFFF & ~PCI_ENABLE_MEMORY_SPACE);
    CHECK_EQ("HAL-PCI", again[1], 0xFF);
    again[1] = 0;
    set_config(4, (get_config(4) & 0xFFFF) | PCI_ENABLE_MEMORY_SPACE);
    CHECK_EQ("HAL-PCI", again[1], 7);
    CHECK_EQ("HAL-PCI", memory[0x3001], 7);
    MmUnmapIoSpace((PVOID)again, PAGE_SIZE);
}

static VOID NTAPI mmio_unload(PDRIVER_OBJECT DriverObject)
{
    MmUnmapIoSpace((PVOID)registers, REGISTERS);
    MmUnmapIoSpace((PVOID)memory, 1 << 20);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = mmio_unload;
    look_for_the_device();
    use_ports();
    registers = map(config.u.type0.BaseAddresses[1] & ~15u, REGISTERS);
    memory = map(config.u.type0.BaseAddresses[2] & ~15u, 1 << 20);
    if (registers == NULL || memory == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    widths();
    buffers();
    changes();
    exceptions();
    strings();
    locks();
    nobody_answers();
    move_the_bar();
    memory_is_memory();
    return STATUS_SUCCESS;
}
