/* SPDX-License-Identifier: MIT */
/*
 * What happened, in plain words. Whoever raised the bug check may have said it;
 * else the code and its parameters say it, as Windows documents them.
 */
#include "vf/report.h"
#include "nt/bugcodes.h"
#include "rtl/rtl.h"

/* The driver's word for an access: bit 0 write, bits 1, 3 and 4 execute, in one or another code's parameter.
 */
static const char *access_word(ULONG64 kind)
{
    if (kind & 0x18 || kind == 2)
        return "executed code at";
    return kind & 1 ? "wrote to" : "read";
}

/* The same of 0x50 and its like, where 2 is a write as well. */
static const char *page_fault_word(ULONG64 kind)
{
    if (kind & 0x18)
        return "executed code at";
    return kind & 3 ? "wrote to" : "read";
}

static void add_near_null(struct vf_text *text, ULONG64 address)
{
    if (address < 0x10000)
        vf_text_add(text, "; so low an address comes from a NULL pointer");
}

/* 0xA, 0xD1, 0xC5, 0xD0, 0xDB: p1 address, p2 IRQL, p3 access. The report's line on the driver has the place.
 */
static void add_irql_fault(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    if (info->exception.ExceptionCode == 0 && info->p[3] == 0 && info->p[0] <= HIGH_LEVEL) {
        vf_text_add(text, "KeLowerIrql was asked for IRQL %u at IRQL %u: it may not raise it",
                    (unsigned)info->p[0], (unsigned)info->p[1]);
        return;
    }
    vf_text_add(text, "%s %s address ",
                info->code == DRIVER_IRQL_NOT_LESS_OR_EQUAL ? "the driver" : "kernel code",
                access_word(info->p[2]));
    vf_add_address(text, info->p[0]);
    vf_text_add(text, " at IRQL %u (%s), where a page fault cannot be resolved", (unsigned)info->p[1],
                vf_irql_name((KIRQL)info->p[1]));
    add_near_null(text, info->p[0]);
}

/* 0x50 and the special pool's: p1 address, p2 access. */
static void add_page_fault(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    static const struct {
        ULONG code;
        const char *where;
    } places[] = {
        {PAGE_FAULT_IN_NONPAGED_AREA, "where there is no memory"},
        {PAGE_FAULT_IN_FREED_SPECIAL_POOL, "in a pool block that was freed before"},
        {DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, "in a pool block that was freed before"},
        {PAGE_FAULT_BEYOND_END_OF_ALLOCATION, "beyond the end of its pool block"},
        {DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION, "beyond the end of its pool block"},
        {DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS,
         "in a driver that was unloaded while something still "
         "pointed into it"},
    };
    struct mm_pool_history block;
    const char *where = "which is invalid";
    for (unsigned i = 0; i < countof(places); i++)
        if (places[i].code == info->code)
            where = places[i].where;
    if (vf_pool_history((const void *)info->p[0], &block) && !block.freed &&
        info->p[0] < (ULONG64)block.address)
        where = "before the beginning of its pool block";
    const EXCEPTION_RECORD *record = &info->exception;
    bool executed = record->NumberParameters >= 2 && record->ExceptionInformation[0] == 8;
    vf_text_add(text, "the driver %s address ", page_fault_word(executed ? 0x10 : info->p[1]));
    vf_add_address(text, info->p[0]);
    vf_text_add(text, ", %s", where);
    add_near_null(text, info->p[0]);
}

static void add_memory_access(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    vf_text_add(text, info->code == ATTEMPTED_WRITE_TO_READONLY_MEMORY
                          ? "the driver wrote to read-only memory at "
                          : "the driver executed memory that holds data, at ");
    vf_add_address(text, info->p[0]);
}

static void add_exception_name(struct vf_text *text, ULONG code)
{
    const char *name = rtl_status_name((NTSTATUS)code);
    vf_text_add(text, name != NULL ? "%s (0x%08X)" : "%s0x%08X", name != NULL ? name : "", code);
}

/* What it was, and for an access violation what the driver did. */
static void add_exception_words(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    const EXCEPTION_RECORD *record = &info->exception;
    static const char *const verbs[] = {[0] = "read", [1] = "wrote to", [8] = "executed code at"};
    add_exception_name(text, (ULONG)info->p[0]);
    if (record->ExceptionCode == STATUS_ACCESS_VIOLATION && record->NumberParameters >= 2) {
        ULONG64 kind = record->ExceptionInformation[0], address = record->ExceptionInformation[1];
        vf_text_add(text, ": the driver %s address ",
                    kind < countof(verbs) && verbs[kind] ? verbs[kind] : "used");
        vf_add_address(text, address);
        add_near_null(text, address);
    }
}

/* 0x1E, 0x3B, 0x7E, 0x8E: p1 the exception; the record, if there is one, has the rest. */
static void add_unhandled(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    vf_text_add(text, "nobody handled the exception ");
    add_exception_words(text, info);
}

/* 0x7F: p1 the processor's trap. */
static void add_trap(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    const char *kind = vf_kind(info->code, info->p[0]);
    vf_text_add(text, "the processor trapped in kernel code: %s", kind ? kind : "");
    if (kind == NULL)
        vf_text_add(text, "trap 0x%llx", (unsigned long long)info->p[0]);
}

static void add_irp_words(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    static const struct {
        ULONG code;
        const char *words;
    } irps[] = {
        {MULTIPLE_IRP_COMPLETE_REQUESTS, "a driver completed an IRP that was completed before"},
        {NO_MORE_IRP_STACK_LOCATIONS,
         "a driver sent an IRP that has no stack location left for the next driver"},
        {CANCEL_STATE_IN_COMPLETED_IRP, "a driver completed an IRP that still has a cancel routine"},
        {DRIVER_RETURNED_HOLDING_CANCEL_LOCK,
         "a cancel routine returned without releasing the cancel spin lock"},
    };
    for (unsigned i = 0; i < countof(irps); i++)
        if (irps[i].code == info->code)
            vf_text_add(text, "%s", irps[i].words);
}

/* 0x4A: p1 the service, p2 IRQL. 0xE1: p1 the work item's routine, p2 IRQL. 0xC8: p1 both levels. 0x9: p1,
 * p2. */
static void add_irql_left(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    unsigned found = (unsigned)info->p[1], expected = PASSIVE_LEVEL;
    const char *who =
        info->code == WORKER_THREAD_RETURNED_AT_BAD_IRQL ? "a work item's routine" : "a system service";
    if (info->code == IRQL_UNEXPECTED_VALUE) {
        who = "a driver's routine";
        found = (unsigned)(info->p[0] >> 16) & 0xFF;
        expected = (unsigned)(info->p[0] >> 8) & 0xFF;
    }
    vf_text_add(text, "%s returned at IRQL %u (%s), not at IRQL %u (%s)", who, found,
                vf_irql_name((KIRQL)found), expected, vf_irql_name((KIRQL)expected));
}

static void add_raise(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    vf_text_add(text, "KeRaiseIrql was asked for IRQL %u at IRQL %u: it may not lower it",
                (unsigned)info->p[0], (unsigned)info->p[1]);
}

/* The function, not the instruction: where a loop is interrupted is chance. */
static void add_function(struct vf_text *text, ULONG64 address)
{
    char words[VF_DESCRIPTION];
    vf_describe_function(address, words, sizeof(words));
    vf_text_add(text, "%s", words);
}

/* The watchdog's: p1 of 0x133 says whether it was a DPC or ISR, 0xEA is a thread's. */
static void add_endless(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    char image[64];
    ULONG64 routine = vf_routine(info->thread), at = info->raise_address;
    bool single = info->code == DPC_WATCHDOG_VIOLATION && info->p[0] == 0;
    if (single && routine != 0) {
        vf_text_add(text,
                    info->irql > DISPATCH_LEVEL ? "the interrupt service routine " : "the DPC routine ");
        at = routine;
    }
    for (unsigned i = 0; at == 0 && i < info->frame_count; i++)
        if (vf_image_of(info->frames[i], image, sizeof(image)))
            at = info->frames[i];
    if (at != 0 && vf_image_of(at, image, sizeof(image)))
        add_function(text, at);
    else
        vf_text_add(text, "code");
    vf_text_add(text, " does not come to an end%s",
                single                                 ? ""
                : info->code == DPC_WATCHDOG_VIOLATION ? " at DISPATCH_LEVEL or above"
                                                       : ": it neither returns nor waits");
}

static const struct {
    ULONG code;
    void (*add)(struct vf_text *text, const struct ke_bugcheck_info *info);
} writers[] = {
    {IRQL_NOT_LESS_OR_EQUAL, add_irql_fault},
    {DRIVER_IRQL_NOT_LESS_OR_EQUAL, add_irql_fault},
    {DRIVER_CORRUPTED_EXPOOL, add_irql_fault},
    {DRIVER_CORRUPTED_MMPOOL, add_irql_fault},
    {DRIVER_CORRUPTED_SYSPTES, add_irql_fault},
    {PAGE_FAULT_IN_NONPAGED_AREA, add_page_fault},
    {PAGE_FAULT_IN_FREED_SPECIAL_POOL, add_page_fault},
    {PAGE_FAULT_BEYOND_END_OF_ALLOCATION, add_page_fault},
    {DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, add_page_fault},
    {DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION, add_page_fault},
    {DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, add_page_fault},
    {ATTEMPTED_WRITE_TO_READONLY_MEMORY, add_memory_access},
    {ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY, add_memory_access},
    {KMODE_EXCEPTION_NOT_HANDLED, add_unhandled},
    {SYSTEM_SERVICE_EXCEPTION, add_unhandled},
    {SYSTEM_THREAD_EXCEPTION_NOT_HANDLED, add_unhandled},
    {KERNEL_MODE_EXCEPTION_NOT_HANDLED, add_unhandled},
    {UNEXPECTED_KERNEL_MODE_TRAP, add_trap},
    {MULTIPLE_IRP_COMPLETE_REQUESTS, add_irp_words},
    {NO_MORE_IRP_STACK_LOCATIONS, add_irp_words},
    {CANCEL_STATE_IN_COMPLETED_IRP, add_irp_words},
    {DRIVER_RETURNED_HOLDING_CANCEL_LOCK, add_irp_words},
    {IRQL_GT_ZERO_AT_SYSTEM_SERVICE, add_irql_left},
    {WORKER_THREAD_RETURNED_AT_BAD_IRQL, add_irql_left},
    {IRQL_UNEXPECTED_VALUE, add_irql_left},
    {IRQL_NOT_GREATER_OR_EQUAL, add_raise},
    {DPC_WATCHDOG_VIOLATION, add_endless},
    {THREAD_STUCK_IN_DEVICE_DRIVER, add_endless},
};

/* Without a writer of its own: what parameter 1 stands for, or what the code stands for. */
static void add_general(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    const char *kind = vf_kind(info->code, info->p[0]);
    const char *general = vf_kind(info->code, VF_ANY_KIND);
    if (kind != NULL)
        vf_text_add(text, "%s", kind);
    else if (general != NULL)
        vf_text_add(text, "%s", general);
    else
        vf_text_add(text, "a driver stopped the system with the code 0x%X", info->code);
}

static void (*writer_of(ULONG code))(struct vf_text *, const struct ke_bugcheck_info *)
{
    for (unsigned i = 0; i < countof(writers); i++)
        if (writers[i].code == code)
            return writers[i].add;
    return add_general;
}

/* Who stopped the system knows best what for; of a fault or an exception, the record says more. */
void vf_add_sentence(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    void (*add)(struct vf_text *, const struct ke_bugcheck_info *) = writer_of(info->code);
    bool faulted = info->exception.ExceptionCode != 0;
    if (info->sentence == NULL || (add == add_irql_fault && faulted)) {
        add(text, info);
        return;
    }
    vf_text_add(text, "%s", info->sentence);
    if (add == add_unhandled && faulted && (ULONG)info->exception.ExceptionCode == (ULONG)info->p[0]) {
        vf_text_add(text, ": ");
        add_exception_words(text, info);
    }
}
