/* SPDX-License-Identifier: MIT */
/*
 * Probing user buffers: raise in the caller unless a range lies in the user
 * part of the address space, aligned as asked, and (for writing) writable.
 */
#include "arch/x86_64/unwind.h"
#include "host/memory.h"

_Noreturn static void raise_access(bool write, ULONG64 address)
{
    EXCEPTION_RECORD record = {
        .ExceptionCode = STATUS_ACCESS_VIOLATION,
        .NumberParameters = 2,
        .ExceptionInformation = {write ? EXCEPTION_WRITE_FAULT : EXCEPTION_READ_FAULT, address}};

    arch_raise(&record);
}

static void check_range(ULONG64 address, SIZE_T length, ULONG alignment)
{
    if (alignment && address & (alignment - 1))
        arch_raise_status(STATUS_DATATYPE_MISALIGNMENT);
    if (address + length < address || address + length > HMEM_USER_PROBE)
        raise_access(false, address);
}

/* Touches nothing: the memory may be gone a moment later anyway. A length of zero is never checked. */
EXPORT(ntoskrnl, ProbeForRead, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI ProbeForRead(PVOID Address, SIZE_T Length, ULONG Alignment)
{
    if (Length)
        check_range((ULONG64)Address, Length, Alignment);
}

/* Reads and writes back a byte of every page. */
EXPORT(ntoskrnl, ProbeForWrite, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI ProbeForWrite(PVOID Address, SIZE_T Length, ULONG Alignment)
{
    ULONG64 at = (ULONG64)Address, end = at + Length;

    if (!Length)
        return;
    check_range(at, Length, Alignment);
    while (at < end) {
        if (!guarded_touch_write((void *)at))
            raise_access(true, at);
        at = (at & ~(ULONG64)PAGE_MASK) + PAGE_SIZE;
    }
}
