/* SPDX-License-Identifier: MIT */
/*
 * The pool as drivers call it. The older forms take a POOL_TYPE with flags
 * beside it, return NULL or raise when told so; ExAllocatePool2 and 3 take
 * POOL_FLAGS, zero the block, and refuse what they do not know. A request of no
 * bytes gets the smallest block, as on Windows without the verifier. IRQL rules
 * that depend on the pool type are the verifier's.
 */
#include "mm/pool_internal.h"

#define TAG_NONE 0x656E6F4Eu /* 'None': ExAllocatePool's */

/* Below these shares of free RAM, requests of low and of normal priority fail. */
#define LOW_PRIORITY_RESERVE(ram)    ((ram) / 16)
#define NORMAL_PRIORITY_RESERVE(ram) ((ram) / 128)

static void *old_form(POOL_TYPE type, SIZE_T size, ULONG tag, bool raise, enum pool_guard guard,
                      const void *from)
{
    if (unlikely(type & NonPagedPoolMustSucceed))
        pool_must_succeed(type, size, tag);
    struct pool_request request = pool_request_of(type, size, tag, type & POOL_ZERO_ALLOCATION, from);
    request.guard = guard;
    void *p = pool_allocate(&request);
    if (unlikely(p == NULL) && (raise || type & POOL_RAISE_IF_ALLOCATION_FAILURE))
        arch_raise_status(STATUS_INSUFFICIENT_RESOURCES);
    return p;
}

/* Allocates from pool. Raises instead of returning NULL when the type has POOL_RAISE_IF_ALLOCATION_FAILURE.
 * Owns: the caller. IRQL: <= DISPATCH_LEVEL. Rules: EX-06. */
EXPORT(ntoskrnl, ExAllocatePoolWithTag, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return old_form(PoolType, NumberOfBytes, Tag, false, POOL_GUARD_USUAL, __builtin_return_address(0));
}

/* The obsolete form: the tag is 'None'. Rules: EX-06. */
EXPORT(ntoskrnl, ExAllocatePool, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return old_form(PoolType, NumberOfBytes, TAG_NONE, false, POOL_GUARD_USUAL, __builtin_return_address(0));
}

/* Raises STATUS_INSUFFICIENT_RESOURCES on failure, unless the type has POOL_QUOTA_FAIL_INSTEAD_OF_RAISE.
 * Processes of this machine have no pool quota below its RAM. */
EXPORT(ntoskrnl, ExAllocatePoolWithQuotaTag, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return old_form(PoolType, NumberOfBytes, Tag, !(PoolType & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE),
                    POOL_GUARD_USUAL, __builtin_return_address(0));
}

EXPORT(ntoskrnl, ExAllocatePoolWithQuota, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
PVOID NTAPI ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return old_form(PoolType, NumberOfBytes, TAG_NONE, !(PoolType & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE),
                    POOL_GUARD_USUAL, __builtin_return_address(0));
}

static bool priority_allows(EX_POOL_PRIORITY priority, SIZE_T size)
{
    uint64_t ram = hmem_ram_bytes() / PAGE_SIZE, free = hmem_free_page_count(), need = BYTES_TO_PAGES(size);
    if (priority >= HighPoolPriority)
        return true;
    uint64_t reserve =
        priority < NormalPoolPriority ? LOW_PRIORITY_RESERVE(ram) : NORMAL_PRIORITY_RESERVE(ram);
    return free >= need && free - need >= reserve;
}

/* The xxxSpecialPoolOverrun and -Underrun forms say on which side special pool guards the block. */
static enum pool_guard guard_of(EX_POOL_PRIORITY priority)
{
    ULONG form = priority % NormalPoolPriority;
    if (form == LowPoolPrioritySpecialPoolUnderrun)
        return POOL_GUARD_BEFORE;
    return form == LowPoolPrioritySpecialPoolOverrun ? POOL_GUARD_AFTER : POOL_GUARD_USUAL;
}

/* A request of low priority fails while there is still memory for the others. */
EXPORT(ntoskrnl, ExAllocatePoolWithTagPriority, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
PVOID NTAPI ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                          EX_POOL_PRIORITY Priority)
{
    if (priority_allows(Priority, NumberOfBytes))
        return old_form(PoolType, NumberOfBytes, Tag, false, guard_of(Priority), __builtin_return_address(0));
    if (PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE)
        arch_raise_status(STATUS_INSUFFICIENT_RESOURCES);
    return NULL;
}

#define KNOWN_REQUIRED                                                                                       \
    (POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | POOL_FLAG_SESSION | POOL_FLAG_CACHE_ALIGNED |           \
     POOL_FLAG_RAISE_ON_FAILURE | POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED)
#define REQUIRED_HALF 0xFFFFFFFFull

/* The POOL_TYPE of the one pool that the flags name; false: none, several, or a required flag that is not
 * known. */
static bool type_of_flags(POOL_FLAGS flags, POOL_TYPE *type)
{
    if (flags & REQUIRED_HALF & ~KNOWN_REQUIRED)
        return false;
    switch (flags & (POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED)) {
    case POOL_FLAG_NON_PAGED:
        *type = NonPagedPoolNx;
        break;
    case POOL_FLAG_NON_PAGED_EXECUTE:
        *type = NonPagedPoolExecute;
        break;
    case POOL_FLAG_PAGED:
        *type = PagedPool;
        break;
    default:
        return false;
    }
    if (flags & POOL_FLAG_CACHE_ALIGNED)
        *type |= NonPagedPoolCacheAligned;
    return true;
}

static void *new_form(POOL_FLAGS flags, SIZE_T size, ULONG tag, bool parameters_ok, const void *from)
{
    POOL_TYPE type;
    void *p = NULL;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    if (parameters_ok && tag != 0 && type_of_flags(flags, &type)) {
        p = mm_pool_allocate(type, size, tag, !(flags & POOL_FLAG_UNINITIALIZED), from);
        status = STATUS_INSUFFICIENT_RESOURCES;
    }
    if (p == NULL && flags & POOL_FLAG_RAISE_ON_FAILURE)
        arch_raise_status(status);
    return p;
}

/* Allocates zeroed memory (POOL_FLAG_UNINITIALIZED: as it is). NULL, or an exception with
 * POOL_FLAG_RAISE_ON_FAILURE, for no memory, tag 0, not exactly one pool, or an unknown required flag;
 * unknown optional flags are ignored. Rules: EX-06. */
EXPORT(ntoskrnl, ExAllocatePool2, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
PVOID NTAPI ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
    /* EX-06: zeroed unless told otherwise, raises only when told so */
    return new_form(Flags, NumberOfBytes, Tag, true, __builtin_return_address(0));
}

/* What the parameters ask for can be had: a priority that the free memory allows, any node (there is one). */
static bool parameters_allow(const POOL_EXTENDED_PARAMETER *parameter, ULONG count, SIZE_T size)
{
    for (ULONG i = 0; i < count; i++) {
        bool ok = false;
        if (parameter[i].Type == PoolExtendedParameterPriority)
            ok = priority_allows(parameter[i].Priority, size);
        else if (parameter[i].Type == PoolExtendedParameterNumaNode)
            ok = parameter[i].PreferredNode == 0;
        if (!ok && !parameter[i].Optional)
            return false;
    }
    return true;
}

/* ExAllocatePool2 with extended parameters. One that cannot be met fails the call unless it is marked
 * optional; there is no secure pool. */
EXPORT(ntoskrnl, ExAllocatePool3, PASSIVE_LEVEL, DISPATCH_LEVEL, X_RAISES)
PVOID NTAPI ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
                            const POOL_EXTENDED_PARAMETER *ExtendedParameters, ULONG ExtendedParametersCount)
{
    bool ok = parameters_allow(ExtendedParameters, ExtendedParametersCount, NumberOfBytes);
    return new_form(Flags, NumberOfBytes, Tag, ok, __builtin_return_address(0));
}

/* Frees a block of any pool. Bug check 0xC2 for what is none. Rules: EX-06. */
EXPORT(ntoskrnl, ExFreePool, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExFreePool(PVOID P)
{
    mm_pool_free(P, 0, __builtin_return_address(0));
}

/* Frees a block that was allocated with this tag; tag 0 fits any that is not PROTECTED_POOL. */
EXPORT(ntoskrnl, ExFreePoolWithTag, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    mm_pool_free(P, Tag, __builtin_return_address(0));
}

/* The counterpart of ExAllocatePool3. The only parameter it can have describes secure pool, which nobody was
 * given. */
EXPORT(ntoskrnl, ExFreePool2, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI ExFreePool2(PVOID P, ULONG Tag, const POOL_EXTENDED_PARAMETER *ExtendedParameters,
                       ULONG ExtendedParametersCount)
{
    mm_pool_free(P, Tag, __builtin_return_address(0));
}
