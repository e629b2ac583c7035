/* SPDX-License-Identifier: MIT */
/*
 * The page of KUSER_SHARED_DATA: drivers read version, processor features and
 * the clock from it without a call. They see it read-only; the clock writes
 * through a second mapping. The three words of a KSYSTEM_TIME are written so
 * that a reader who finds both high words equal has a whole value.
 */
#include "ke/objects.h"
#include "host/memory.h"

static KUSER_SHARED_DATA *seen;  /* as drivers see it */
static KUSER_SHARED_DATA *alias; /* writable */
static rl_lock lock;

enum { TICK_100NS = 156250, BUILD_NUMBER = 19045 };

void *ke_user_shared_data(void)
{
    return seen;
}

static void set_time(volatile KSYSTEM_TIME *time, uint64_t value)
{
    time->High2Time = (LONG)(value >> 32);
    time->LowPart = (ULONG)value;
    time->High1Time = (LONG)(value >> 32);
}

void clock_update_page(void)
{
    if (alias == NULL)
        return;
    rl_lock_acquire(&lock);
    uint64_t interrupt = host_interrupt_time();
    set_time(&alias->InterruptTime, interrupt);
    set_time(&alias->SystemTime, host_system_time());
    set_time(&alias->TickCount, interrupt / TICK_100NS);
    alias->TickCountLowDeprecated = (ULONG)(interrupt / TICK_100NS);
    rl_lock_release(&lock);
}

static void set_version(KUSER_SHARED_DATA *data)
{
    static const WCHAR root[] = u"C:\\Windows";
    for (unsigned i = 0; i < countof(root); i++)
        data->NtSystemRoot[i] = root[i];
    data->NtMajorVersion = 10;
    data->NtMinorVersion = 0;
    data->NtBuildNumber = BUILD_NUMBER;
    data->NtProductType = NtProductWinNt;
    data->ProductTypeIsValid = TRUE;
    data->NativeProcessorArchitecture = 9; /* AMD64 */
    data->ImageNumberLow = data->ImageNumberHigh = 0x8664;
    data->SuiteMask = 0x110; /* terminal, single user */
}

/* PF_* indices that every x64 release sets. */
static void set_features(KUSER_SHARED_DATA *data)
{
    static const UCHAR present[] = {2, 3, 6, 8, 9, 10, 12, 13, 14, 17, 23};
    for (unsigned i = 0; i < countof(present); i++)
        data->ProcessorFeatures[present[i]] = TRUE;
    data->XState.EnabledFeatures = 7;
    data->XState.EnabledVolatileFeatures = 7;
    data->XState.Size = 0x340;
}

static void fill(KUSER_SHARED_DATA *data)
{
    set_version(data);
    set_features(data);
    data->TickCountMultiplier = 0x0FA00000; /* 15.625 ms in 8.24 fixed point */
    data->LargePageMinimum = 0x200000;
    data->NumberOfPhysicalPages = (ULONG)(hmem_ram_bytes() / PAGE_SIZE);
    data->QpcFrequency = 10000000;
    data->QpcBypassEnabled = 0;
    data->Cookie = (ULONG)host_random();
    data->ActiveProcessorCount = ke_vp_count;
    data->ActiveGroupCount = 1;
}

NTSTATUS shared_data_init(void)
{
    void *page = hmem_reserve(HMEM_SYSTEM, 1, 1, 1);
    if (page == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = hmem_commit(page, 1, HMEM_R);
    if (!NT_SUCCESS(status)) {
        hmem_release(page, 1);
        return status;
    }
    seen = page;
    alias = hmem_writable_alias(page);
    fill(alias);
    clock_update_page();
    return STATUS_SUCCESS;
}

void shared_data_fini(void)
{
    if (seen != NULL)
        hmem_release(seen, 1);
    seen = alias = NULL;
}
