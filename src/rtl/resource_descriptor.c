/* SPDX-License-Identifier: MIT */
/*
 * Memory and port ranges in resource descriptors. A length that 32 bits cannot
 * hold is stored without its low 8, 16 or 32 bits, which must be zero: the
 * type is then CmResourceTypeMemoryLarge, and a flag says how many.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "nt/cm_codes.h"
#include "nt/io_pnp.h"
#include "nt/status.h"

struct form {
    USHORT flag; /* 0: an ordinary 32-bit length */
    unsigned shift;
};

static const struct form forms[] = {{0, 0},
                                    {CM_RESOURCE_MEMORY_LARGE_40, 8},
                                    {CM_RESOURCE_MEMORY_LARGE_48, 16},
                                    {CM_RESOURCE_MEMORY_LARGE_64, 32}};

static bool fits(ULONGLONG value, const struct form *form)
{
    return (value & ((1ull << form->shift) - 1)) == 0 && value >> form->shift <= 0xFFFFFFFF;
}

static bool is_range(UCHAR type)
{
    return type == CmResourceTypeMemory || type == CmResourceTypeMemoryLarge || type == CmResourceTypePort;
}

/* The first form that holds both; NULL if none does. Ports have only the ordinary one. */
static const struct form *choose(UCHAR type, ULONGLONG length, ULONGLONG alignment)
{
    for (size_t i = 0; i < (type == CmResourceTypePort ? 1 : countof(forms)); i++)
        if (fits(length, &forms[i]) && fits(alignment, &forms[i]))
            return &forms[i];
    return NULL;
}

static unsigned shift_of(UCHAR type, USHORT flags)
{
    if (type != CmResourceTypeMemoryLarge)
        return 0;
    for (size_t i = 1; i < countof(forms); i++)
        if (flags & forms[i].flag)
            return forms[i].shift;
    return 0;
}

static UCHAR stored_type(UCHAR type, const struct form *form)
{
    return type == CmResourceTypePort ? type : form->flag ? CmResourceTypeMemoryLarge : CmResourceTypeMemory;
}

EXPORT(ntoskrnl, RtlCmEncodeMemIoResource, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlCmEncodeMemIoResource(PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor, UCHAR Type,
                                        ULONGLONG Length, ULONGLONG Start)
{
    if (!Descriptor || !is_range(Type))
        return STATUS_INVALID_PARAMETER;
    const struct form *form = choose(Type, Length, 0);
    if (!form)
        return STATUS_UNSUCCESSFUL;
    Descriptor->Type = stored_type(Type, form);
    Descriptor->Flags = (USHORT)((Descriptor->Flags & ~CM_RESOURCE_MEMORY_LARGE) | form->flag);
    Descriptor->u.Generic.Start.QuadPart = (LONGLONG)Start;
    Descriptor->u.Generic.Length = (ULONG)(Length >> form->shift);
    return STATUS_SUCCESS;
}

EXPORT(ntoskrnl, RtlCmDecodeMemIoResource, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONGLONG NTAPI RtlCmDecodeMemIoResource(PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor, PULONGLONG Start)
{
    if (Start)
        *Start = (ULONGLONG)Descriptor->u.Generic.Start.QuadPart;
    return (ULONGLONG)Descriptor->u.Generic.Length << shift_of(Descriptor->Type, Descriptor->Flags);
}

EXPORT(ntoskrnl, RtlIoEncodeMemIoResource, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlIoEncodeMemIoResource(PIO_RESOURCE_DESCRIPTOR Descriptor, UCHAR Type, ULONGLONG Length,
                                        ULONGLONG Alignment, ULONGLONG MinimumAddress,
                                        ULONGLONG MaximumAddress)
{
    if (!Descriptor || !is_range(Type))
        return STATUS_INVALID_PARAMETER;
    const struct form *form = choose(Type, Length, Alignment);
    if (!form)
        return STATUS_UNSUCCESSFUL;
    Descriptor->Type = stored_type(Type, form);
    Descriptor->Flags = (USHORT)((Descriptor->Flags & ~CM_RESOURCE_MEMORY_LARGE) | form->flag);
    Descriptor->u.Memory.Length = (ULONG)(Length >> form->shift);
    Descriptor->u.Memory.Alignment = (ULONG)(Alignment >> form->shift);
    Descriptor->u.Memory.MinimumAddress.QuadPart = (LONGLONG)MinimumAddress;
    Descriptor->u.Memory.MaximumAddress.QuadPart = (LONGLONG)MaximumAddress;
    return STATUS_SUCCESS;
}

/* Each result but the length may be NULL. */
EXPORT(ntoskrnl, RtlIoDecodeMemIoResource, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONGLONG NTAPI RtlIoDecodeMemIoResource(PIO_RESOURCE_DESCRIPTOR Descriptor, PULONGLONG Alignment,
                                         PULONGLONG MinimumAddress, PULONGLONG MaximumAddress)
{
    unsigned shift = shift_of(Descriptor->Type, Descriptor->Flags);
    if (Alignment)
        *Alignment = (ULONGLONG)Descriptor->u.Memory.Alignment << shift;
    if (MinimumAddress)
        *MinimumAddress = (ULONGLONG)Descriptor->u.Memory.MinimumAddress.QuadPart;
    if (MaximumAddress)
        *MaximumAddress = (ULONGLONG)Descriptor->u.Memory.MaximumAddress.QuadPart;
    return (ULONGLONG)Descriptor->u.Memory.Length << shift;
}
