/* SPDX-License-Identifier: MIT */
/*
 * Instructions that driver code has inline: CR8, the interrupt flag, ports,
 * MSRs, gs: and KUSER_SHARED_DATA. Built by clang, for __try.
 */
#include "rltest.h"

static ULONG dpc_ran;

static VOID NTAPI count_dpc(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    dpc_ran++;
}

static inline ULONG64 read_cr8(void)
{
    ULONG64 value;

    __asm__ volatile("mov %%cr8, %0" : "=r"(value));
    return value;
}

static inline void write_cr8(ULONG64 value)
{
    __asm__ volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}

static inline ULONG64 read_flags(void)
{
    ULONG64 flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    return flags;
}

static inline void write_flags(ULONG64 flags)
{
    __asm__ volatile("pushq %0; popfq" : : "r"(flags) : "memory", "cc");
}

static inline UCHAR in_byte(USHORT port)
{
    UCHAR value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void out_byte(USHORT port, UCHAR value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static __attribute__((noinline)) ULONG64 read_msr(ULONG msr)
{
    ULONG low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (ULONG64)high << 32 | low;
}

static void check_irql(void)
{
    KDPC dpc;

    CHECK_EQ("BIN-03", read_cr8(), PASSIVE_LEVEL);
    write_cr8(DISPATCH_LEVEL);
    CHECK_EQ("BIN-03", KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeInitializeDpc(&dpc, count_dpc, NULL);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    CHECK_EQ("BIN-03", dpc_ran, 0);
    write_cr8(PASSIVE_LEVEL); /* the DPC runs now */
    CHECK_EQ("BIN-03", dpc_ran, 1);
    CHECK_EQ("BIN-03", KeGetCurrentIrql(), PASSIVE_LEVEL);
    write_cr8(9);
    CHECK_EQ("BIN-09", KeGetCurrentIrql(), 9);
    write_cr8(PASSIVE_LEVEL);
}

static void check_interrupt_flag(void)
{
    ULONG64 before = read_flags();

    CHECK_EQ("BIN-04", before & 0x200, 0x200);
    __asm__ volatile("cli" ::: "memory");
    CHECK_EQ("BIN-04", read_flags() & 0x200, 0);
    write_flags(before);
    CHECK_EQ("BIN-04", read_flags() & 0x200, 0x200);
    __asm__ volatile("cli; sti" ::: "memory");
    CHECK_EQ("BIN-04", read_flags() & 0x200, 0x200);
}

static void check_ports(void)
{
    UCHAR bytes[4] = {0, 0, 0, 0};
    PUCHAR to = bytes;
    ULONG count = 4, config;

    out_byte(0x70, 0x0D);
    CHECK_EQ("BIN-04", in_byte(0x71), 0x80); /* the clock's battery is good */
    __asm__ volatile("outl %0, %1" : : "a"(0x80000000u), "d"((USHORT)0xCF8));
    __asm__ volatile("inl %1, %0" : "=a"(config) : "d"((USHORT)0xCFC));
    CHECK_EQ("BIN-04", config, 0xFFFFFFFF); /* no device 0 on the bus */
    __asm__ volatile("cld; rep insb" : "+D"(to), "+c"(count) : "d"((USHORT)0x71) : "memory");
    CHECK_EQ("BIN-04", count, 0);
    CHECK_EQ("BIN-04", bytes[0] & bytes[3], 0x80);
}

static void check_msrs(void)
{
    NTSTATUS status = STATUS_SUCCESS;

    CHECK_EQ("BIN-04", read_msr(0xC0000080) & 0x500, 0x500);
    CHECK("BIN-04", read_msr(0x10) != 0);
    __try {
        read_msr(0x12345678);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    CHECK("BIN-04", !NT_SUCCESS(status));
}

static void check_reads(void)
{
    const volatile ULONG *build = (const volatile ULONG *)0xFFFFF78000000260;
    const volatile ULONG *major = (const volatile ULONG *)0xFFFFF7800000026C;
    const volatile ULONGLONG *interrupt_time = (const volatile ULONGLONG *)0xFFFFF78000000008;
    ULONG64 thread;
    ULONG number, version = 0;
    ULONG copy[64];
    volatile SIZE_T length = sizeof(copy);
    USHORT table[5];

    __asm__ volatile("movq %%gs:0x188, %0" : "=r"(thread));
    CHECK_EQ("BIN-04", thread, KeGetCurrentThread());
    KeRaiseIrql(DISPATCH_LEVEL, (PKIRQL)&table);
    __asm__ volatile("movl %%gs:0x1a4, %0" : "=r"(number));
    CHECK_EQ("BIN-04", number, KeGetCurrentProcessorNumber());
    KeLowerIrql(*(PKIRQL)&table);
    PsGetVersion(&version, NULL, NULL, NULL);
    CHECK_EQ("BIN-04", *major, version);
    CHECK("BIN-04", *build != 0);
    RtlCopyMemory(copy, (const VOID *)0xFFFFF78000000200, length); /* a call of the export */
    CHECK_EQ("BIN-04", copy[0x60 / sizeof(ULONG)], *build);
    CHECK("BIN-04", *interrupt_time <= KeQueryInterruptTime());
    __asm__ volatile("sidt %0" : "=m"(table));
    CHECK_EQ("BIN-04", table[0], 0xFFF);
}

static VOID NTAPI inline_unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = inline_unload;
    check_irql();
    check_interrupt_flag();
    check_ports();
    check_msrs();
    check_reads();
    return STATUS_SUCCESS;
}
