/* SPDX-License-Identifier: MIT */
/*
 * What processors there are: one group, one node, all active from the start.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

/* Data: how many processors; drivers read it. */
EXPORT_DATA(ntoskrnl, KeNumberProcessors)
CCHAR KeNumberProcessors = 1;

static KAFFINITY all_processors(void)
{
    return ke_vp_count == 64 ? ~0ull : (1ull << ke_vp_count) - 1;
}

static bool is_group(USHORT group)
{
    return group == 0 || group == ALL_PROCESSOR_GROUPS;
}

EXPORT(ntoskrnl, KeQueryActiveProcessors, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
KAFFINITY NTAPI KeQueryActiveProcessors(VOID)
{
    return all_processors();
}

EXPORT(ntoskrnl, KeQueryActiveProcessorCount, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors)
{
    if (ActiveProcessors != NULL)
        *ActiveProcessors = all_processors();
    return ke_vp_count;
}

/* 0: no such group. */
EXPORT(ntoskrnl, KeQueryActiveProcessorCountEx, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT GroupNumber)
{
    return is_group(GroupNumber) ? ke_vp_count : 0;
}

EXPORT(ntoskrnl, KeQueryMaximumProcessorCount, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI KeQueryMaximumProcessorCount(VOID)
{
    return ke_vp_count;
}

EXPORT(ntoskrnl, KeQueryMaximumProcessorCountEx, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT GroupNumber)
{
    return is_group(GroupNumber) ? ke_vp_count : 0;
}

EXPORT(ntoskrnl, KeQueryActiveGroupCount, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
USHORT NTAPI KeQueryActiveGroupCount(VOID)
{
    return 1;
}

EXPORT(ntoskrnl, KeQueryMaximumGroupCount, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
USHORT NTAPI KeQueryMaximumGroupCount(VOID)
{
    return 1;
}

EXPORT(ntoskrnl, KeQueryGroupAffinity, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
KAFFINITY NTAPI KeQueryGroupAffinity(USHORT GroupNumber)
{
    return GroupNumber == 0 ? all_processors() : 0;
}

EXPORT(ntoskrnl, KeGetCurrentProcessorNumber, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI KeGetCurrentProcessorNumber(VOID)
{
    return ke_vp()->number;
}

EXPORT(ntoskrnl, KeGetCurrentProcessorNumberEx, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber)
{
    ULONG number = ke_vp()->number;
    if (ProcNumber != NULL)
        *ProcNumber = (PROCESSOR_NUMBER){.Number = (UCHAR)number};
    return number;
}

/* INVALID_PROCESSOR_INDEX (all ones): there is none. */
EXPORT(ntoskrnl, KeGetProcessorIndexFromNumber, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber)
{
    if (ProcNumber->Group != 0 || ProcNumber->Reserved != 0 || ProcNumber->Number >= ke_vp_count)
        return ~0u;
    return ProcNumber->Number;
}

/* STATUS_INVALID_PARAMETER: there is none. */
EXPORT(ntoskrnl, KeGetProcessorNumberFromIndex, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
NTSTATUS NTAPI KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber)
{
    if (ProcIndex >= ke_vp_count)
        return STATUS_INVALID_PARAMETER;
    *ProcNumber = (PROCESSOR_NUMBER){.Number = (UCHAR)ProcIndex};
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, KeGetCurrentNodeNumber, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
USHORT NTAPI KeGetCurrentNodeNumber(VOID)
{
    return 0;
}

EXPORT(ntoskrnl, KeQueryHighestNodeNumber, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
USHORT NTAPI KeQueryHighestNodeNumber(VOID)
{
    return 0;
}

EXPORT(ntoskrnl, KeQueryNodeActiveAffinity, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI KeQueryNodeActiveAffinity(USHORT NodeNumber, PGROUP_AFFINITY Affinity, PUSHORT Count)
{
    bool exists = NodeNumber == 0;
    if (Affinity != NULL)
        *Affinity = (GROUP_AFFINITY){.Mask = exists ? all_processors() : 0};
    if (Count != NULL)
        *Count = exists ? (USHORT)ke_vp_count : 0;
}

EXPORT(ntoskrnl, KeQueryNodeMaximumProcessorCount, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
USHORT NTAPI KeQueryNodeMaximumProcessorCount(USHORT NodeNumber)
{
    return NodeNumber == 0 ? (USHORT)ke_vp_count : 0;
}

/* The size of a cache line. IRQL: any. */
EXPORT(ntoskrnl, KeGetRecommendedSharedDataAlignment, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI KeGetRecommendedSharedDataAlignment(VOID)
{
    return 64;
}
