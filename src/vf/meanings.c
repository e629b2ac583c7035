/* SPDX-License-Identifier: MIT */
/* What the parameters of a bug check are, for the codes that a driver meets. After the bug check reference.
 */
#include "vf/report.h"
#include "nt/bugcodes.h"

#define FAULT_AT_IRQL                                                                                        \
    {                                                                                                        \
        "the address that was referenced", "the IRQL",                                                       \
            "the kind of access: 0 read, 1 write, 2 or 8 execute", "the instruction"                         \
    }
#define FAULT                                                                                                \
    {                                                                                                        \
        "the address that was referenced", "the kind of access: 0 read, 1 or 2 write, 16 execute",           \
            "the instruction", NULL                                                                          \
    }
#define EXCEPTION_CODE "the exception"
#define IRP_ONLY                                                                                             \
    {                                                                                                        \
        "the IRP", NULL, NULL, NULL                                                                          \
    }

static const struct {
    ULONG code;
    const char *parameters[4];
} meanings[] = {
    {APC_INDEX_MISMATCH,
     {"the service or worker routine", "the thread's APC state index",
      "the APC-disable counts: special << 16 | kernel", "0 a system call, 1 a worker routine"}},
    {IRQL_NOT_GREATER_OR_EQUAL, {"the IRQL asked for", "the IRQL", NULL, NULL}},
    {IRQL_NOT_LESS_OR_EQUAL, FAULT_AT_IRQL},
    {DRIVER_IRQL_NOT_LESS_OR_EQUAL, FAULT_AT_IRQL},
    {DRIVER_CORRUPTED_EXPOOL, FAULT_AT_IRQL},
    {DRIVER_CORRUPTED_MMPOOL, FAULT_AT_IRQL},
    {REFERENCE_BY_POINTER, {"the object's type", "the object", "reserved", "the count"}},
    {KMODE_EXCEPTION_NOT_HANDLED,
     {EXCEPTION_CODE, "where it was raised", "the exception's parameter 0", "the exception's parameter 1"}},
    {KERNEL_MODE_EXCEPTION_NOT_HANDLED, {EXCEPTION_CODE, "where it was raised", "the trap frame", NULL}},
    {SYSTEM_SERVICE_EXCEPTION, {EXCEPTION_CODE, "where it was raised", "the context record", NULL}},
    {SYSTEM_THREAD_EXCEPTION_NOT_HANDLED,
     {EXCEPTION_CODE, "where it was raised", "the exception record", "the context record"}},
    {NO_MORE_IRP_STACK_LOCATIONS, IRP_ONLY},
    {MULTIPLE_IRP_COMPLETE_REQUESTS, IRP_ONLY},
    {CANCEL_STATE_IN_COMPLETED_IRP, {"the IRP", "the cancel routine", NULL, NULL}},
    {DRIVER_RETURNED_HOLDING_CANCEL_LOCK, {"the IRP", "the cancel routine", NULL, NULL}},
    {IRQL_GT_ZERO_AT_SYSTEM_SERVICE, {"the system service", "the IRQL", NULL, NULL}},
    {PAGE_FAULT_IN_NONPAGED_AREA, FAULT},
    {PAGE_FAULT_IN_FREED_SPECIAL_POOL, FAULT},
    {PAGE_FAULT_BEYOND_END_OF_ALLOCATION, FAULT},
    {DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, FAULT},
    {DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION, FAULT},
    {DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, FAULT},
    {UNEXPECTED_KERNEL_MODE_TRAP, {"the trap's number", NULL, NULL, NULL}},
    {INVALID_KERNEL_HANDLE, {"the handle", NULL, NULL, NULL}},
    {ATTEMPTED_SWITCH_FROM_DPC, {"the thread", "the object or thread switched to", NULL, NULL}},
    {ATTEMPTED_WRITE_TO_READONLY_MEMORY, {"the address", "its protection", NULL, NULL}},
    {ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY, {"the address", "its protection", NULL, NULL}},
    {BAD_POOL_CALLER, {"the kind of error", NULL, NULL, NULL}},
    {SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION,
     {"the address that was freed", "the address where bytes are corrupted", NULL,
      "the kind of error: 0x20 never allocated, 0x21 not the beginning of a block, 0x23 bytes before it were "
      "overwritten, 0x24 bytes behind it"}},
    {DPC_WATCHDOG_VIOLATION,
     {"0 a single DPC or ISR, 1 all the time at DISPATCH_LEVEL or above",
      "0: the ticks it took; 1: the watchdog's period in ticks", "0: the ticks it may take", NULL}},
    {DRIVER_VERIFIER_DETECTED_VIOLATION, {"the kind of violation", NULL, NULL, NULL}},
    {DRIVER_VERIFIER_IOMANAGER_VIOLATION, {"the kind of violation", NULL, NULL, NULL}},
    {DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS,
     {"the record of the lock", "reserved", "the MDL", "how many pages are locked"}},
    {IRQL_UNEXPECTED_VALUE, {"IRQL << 16 | expected IRQL << 8", "the routine, or 0", NULL, NULL}},
    {WORKER_THREAD_RETURNED_AT_BAD_IRQL,
     {"the work item's routine", "the IRQL", "the work item's parameter", "the work item"}},
    {RESOURCE_NOT_OWNED, {"the resource", "the thread", NULL, NULL}},
    {DRIVER_OVERRAN_STACK_BUFFER, {"the cookie found", "the cookie expected", "its complement", NULL}},
    {KERNEL_SECURITY_CHECK_FAILURE, {"the kind of corruption", NULL, NULL, NULL}},
};

/* The kinds of 0xC4 and 0xC7 about what is left behind, and 0xCE when nothing has faulted yet. */
static const char *meaning_of_leak(const struct ke_bugcheck_info *info, unsigned index)
{
    static const char *const left[4] = {"the first that was left behind", NULL, "the code that made it",
                                        NULL};
    static const char *const pool[4] = {"the kind of violation", "the driver's name", NULL,
                                        "how many were left behind"};
    static const char *const timer[4] = {"0 a timer, 1 a DPC", "the timer or DPC",
                                         "the beginning of the memory that was looked at", "its end"};
    if (info->code == DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS && info->verifier)
        return left[index];
    if (info->code == DRIVER_VERIFIER_DETECTED_VIOLATION && info->p[0] == 0x62)
        return pool[index];
    return info->code == TIMER_OR_DPC_INVALID && info->verifier && info->p[0] <= 1 ? timer[index] : NULL;
}

const char *vf_meaning(const struct ke_bugcheck_info *info, unsigned index)
{
    if (meaning_of_leak(info, 0) != NULL)
        return meaning_of_leak(info, index);
    for (unsigned i = 0; i < countof(meanings); i++)
        if (meanings[i].code == info->code)
            return meanings[i].parameters[index];
    return NULL;
}
