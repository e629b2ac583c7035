/* SPDX-License-Identifier: MIT */
/* What the run-time library calls below itself: pool that counts and can fail, exceptions that jump back. */
#include "rtl_test.h"
#include <stdlib.h>
#include "arch/machine.h"
#include "arch/rewrite.h"
#include "host/host.h"
#include "host/memory.h"
#include "ke/routines.h"
#include "ob/ob.h"

const struct trace_ops *seam_trace;
int fake_pool_blocks;
int fake_pool_failures;
jmp_buf fake_raised;
NTSTATUS fake_raised_status;

void *mm_pool_allocate(POOL_TYPE type, size_t size, ULONG tag, bool zero, const void *caller)
{
    if (fake_pool_failures > 0) {
        fake_pool_failures--;
        return NULL;
    }
    fake_pool_blocks++;
    void *block = malloc(size ? size : 1);
    memset(block, zero ? 0 : 0xA5, size);
    return block;
}

void mm_pool_free(void *block, ULONG tag, const void *caller)
{
    fake_pool_blocks--;
    free(block);
}

/* Device memory: an array of the test, whose accesses are counted by width. */
bool hmem_device_views;
UCHAR fake_device[64];
unsigned fake_device_accesses[9];

bool hmem_is_mmio(const void *va, uint64_t *pa)
{
    if ((uintptr_t)va - (uintptr_t)fake_device >= sizeof(fake_device))
        return false;
    if (pa != NULL)
        *pa = (uintptr_t)va;
    return true;
}

static bool fake_mmio_read(uint64_t pa, void *value, unsigned width)
{
    fake_device_accesses[width]++;
    memcpy(value, (const void *)pa, width);
    return true;
}

static bool fake_mmio_write(uint64_t pa, const void *value, unsigned width)
{
    fake_device_accesses[width]++;
    memcpy((void *)pa, value, width);
    return true;
}

struct rewrite_targets rewrite_targets;
struct machine_ops machine_ops = {.mmio_read = fake_mmio_read, .mmio_write = fake_mmio_write};

_Noreturn void arch_raise(EXCEPTION_RECORD *record)
{
    fake_raised_status = record->ExceptionCode;
    longjmp(fake_raised, 1);
}

_Noreturn void arch_raise_status(NTSTATUS status)
{
    fake_raised_status = status;
    longjmp(fake_raised, 1);
}

_Noreturn void ke_bugcheck(const struct ke_bugcheck_info *info)
{
    fake_raised_status = (NTSTATUS)info->code;
    longjmp(fake_raised, 1);
}

void (*fake_while_waiting)(void);
int fake_critical_regions;

VOID NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    Event->Header.SignalState = State;
}

LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    return __atomic_exchange_n(&Event->Header.SignalState, 1, __ATOMIC_SEQ_CST);
}

NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                     BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    fake_while_waiting();
    assert_int_equal(((PRKEVENT)Object)->Header.SignalState, 1);
    return STATUS_SUCCESS;
}

VOID NTAPI KeEnterCriticalRegion(VOID)
{
    fake_critical_regions++;
}

VOID NTAPI KeLeaveCriticalRegion(VOID)
{
    fake_critical_regions--;
}

bool host_simulated(void)
{
    return true;
}

/* The only name is \\Device\\Volume, of the object at 1; the only links are B: to elsewhere and Q: to it. */
ULONG ob_query_name(const void *body, WCHAR *buffer, ULONG size)
{
    static const WCHAR name[] = u"\\Device\\Volume";
    if (body != (const void *)1)
        return 0;
    memcpy(buffer, name, sizeof name);
    return sizeof name - sizeof(WCHAR);
}

NTSTATUS NTAPI ZwOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                        POBJECT_ATTRIBUTES Attributes)
{
    WCHAR letter = Attributes->ObjectName->Buffer[4];
    *LinkHandle = (HANDLE)(uintptr_t)letter;
    return letter == 'B' || letter == 'Q' ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS NTAPI ZwQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget, PULONG ReturnedLength)
{
    LinkTarget->Length = 0;
    return RtlAppendUnicodeToString(LinkTarget,
                                    LinkHandle == (HANDLE)'Q' ? u"\\device\\volume" : u"\\Device\\X");
}

NTSTATUS ob_handle_close(HANDLE handle, KPROCESSOR_MODE mode)
{
    return STATUS_SUCCESS;
}
