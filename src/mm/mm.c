/* SPDX-License-Identifier: MIT */
/* Start and end of memory management, and the variables that it exports to drivers. */
#include "mm/mm.h"
#include "mm/query.h"
#include "mm/ranges.h"
#include "mm/secure.h"

/* What drivers compare addresses with. MmSystemRangeStart is where the kernel half begins on Windows;
 * addresses of this machine are below it, and a driver that asks "is it user memory?" uses the first two. */
EXPORT_DATA(ntoskrnl, MmHighestUserAddress)
PVOID MmHighestUserAddress = (PVOID)HMEM_USER_HIGHEST;

EXPORT_DATA(ntoskrnl, MmUserProbeAddress)
ULONG_PTR MmUserProbeAddress = HMEM_USER_PROBE;

EXPORT_DATA(ntoskrnl, MmSystemRangeStart)
PVOID MmSystemRangeStart;

NTSTATUS mm_init(void)
{
    void *lowest;
    size_t bytes;
    hmem_zone_range(HMEM_IMAGE, &lowest, &bytes);
    MmSystemRangeStart = lowest;
    mm_ranges_init();
    NTSTATUS status = mm_pool_init();
    if (!NT_SUCCESS(status))
        mm_fini();
    return status;
}

void mm_fini(void)
{
    mm_secure_fini();
    mm_query_fini();
    mm_ranges_fini();
    mm_pool_fini();
}

const void *mm_caller(const void *return_address)
{
    if (!arch_returns_to_gate(return_address))
        return return_address;
    const struct arch_record *record = ke_thread()->arch.records;
    return record != NULL && record->type == ARCH_RECORD_GATE ? (const void *)record->rip : return_address;
}

const void *mm_service_caller(void)
{
    const struct arch_record *record = ke_thread()->arch.records;
    return record != NULL && record->type == ARCH_RECORD_GATE ? (const void *)record->rip : NULL;
}
