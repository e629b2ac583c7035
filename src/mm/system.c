/* SPDX-License-Identifier: MIT */
/* What drivers ask the memory manager about the system, and copies between processes. */
#include "mm/process.h"
#include "arch/arch.h"
#include "base/seams.h"
#include "mm/mm.h"

#define MEDIUM_BYTES (32ull << 20)
#define LARGE_BYTES  (512ull << 20)

/* How much memory the machine has, in three steps. */
EXPORT(ntoskrnl, MmQuerySystemSize, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
MM_SYSTEM_SIZE NTAPI MmQuerySystemSize(void)
{
    uint64_t ram = hmem_ram_bytes();
    return ram < MEDIUM_BYTES ? MmSmallSystem : ram < LARGE_BYTES ? MmMediumSystem : MmLargeSystem;
}

/* Page frame numbers do not end at 4 GiB: true of every x64 machine, however little memory it has. */
EXPORT_DATA(ntoskrnl, Mm64BitPhysicalAddress)
BOOLEAN Mm64BitPhysicalAddress = TRUE;

/* --verify looks at all drivers or at none. */
EXPORT(ntoskrnl, MmIsDriverVerifying, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
LOGICAL NTAPI MmIsDriverVerifying(PDRIVER_OBJECT DriverObject)
{
    return seam_vf != NULL;
}

EXPORT(ntoskrnl, MmIsDriverVerifyingByAddress, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
LOGICAL NTAPI MmIsDriverVerifyingByAddress(PVOID AddressWithinSection)
{
    return seam_vf != NULL && arch_image_find((ULONG64)AddressWithinSection) != NULL;
}

/* The machine says it is a workstation. */
EXPORT(ntoskrnl, MmIsThisAnNtAsSystem, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI MmIsThisAnNtAsSystem(void)
{
    return FALSE;
}

/*
 * Copies between the address spaces of two processes, which are one here. In user mode both ranges have to be
 * the user's. Bytes up to the first that cannot be reached are copied and counted: STATUS_PARTIAL_COPY.
 */
EXPORT(ntoskrnl, MmCopyVirtualMemory, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI MmCopyVirtualMemory(PEPROCESS FromProcess, PVOID FromAddress, PEPROCESS ToProcess,
                                   PVOID ToAddress, SIZE_T BufferSize, KPROCESSOR_MODE PreviousMode,
                                   PSIZE_T NumberOfBytesCopied)
{
    *NumberOfBytesCopied = 0;
    if (PreviousMode != KernelMode &&
        !(mm_user_range_ok(FromAddress, BufferSize) && mm_user_range_ok(ToAddress, BufferSize)))
        return STATUS_ACCESS_VIOLATION;
    for (SIZE_T done = 0, part; done < BufferSize; done += part) {
        const char *from = (const char *)FromAddress + done;
        char *to = (char *)ToAddress + done;
        part = MIN(BufferSize - done, MIN(PAGE_SIZE - BYTE_OFFSET(from), PAGE_SIZE - BYTE_OFFSET(to)));
        if (!NT_SUCCESS(arch_copy_guarded(to, from, part)))
            return STATUS_PARTIAL_COPY;
        *NumberOfBytesCopied = done + part;
    }
    return STATUS_SUCCESS;
}
