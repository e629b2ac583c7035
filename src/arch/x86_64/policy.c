/* SPDX-License-Identifier: MIT */
/*
 * What may be caught. Ordinary code on the NT stack: the signal handler has
 * returned. Below DISPATCH_LEVEL a fault in the user part of the address space
 * is an exception; everywhere in the system part it is a bug check, as it is at
 * DISPATCH_LEVEL and above wherever it is.
 */
#include "arch/x86_64/fault.h"
#include "arch/x86_64/sanitizer.h"
#include "host/host.h"
#include "host/memory.h"
#include "host/signals.h"
#include "nt/bugcodes.h"

#define SYSTEM_HALF 0xFFFF800000000000ull

_Noreturn void fault_bugcheck(ULONG code, const ULONG64 p[4], const char *sentence, EXCEPTION_RECORD *record,
                              CONTEXT *context)
{
    if (arch_ops.fault_bugcheck)
        arch_ops.fault_bugcheck(code, p, sentence, record, context);
    arch_ops.bugcheck(code, p[0], p[1], p[2], p[3]);
}

_Noreturn static void stop(struct fault *fault, ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4)
{
    const ULONG64 p[4] = {p1, p2, p3, p4};

    fault_bugcheck(code, p, fault->sentence[0] ? fault->sentence : NULL, &fault->record, &fault->context);
}

static ULONG64 access_kind(const struct fault *fault)
{
    return fault->record.ExceptionInformation[0];
}

static const char *access_verb(const struct fault *fault)
{
    switch (access_kind(fault)) {
    case EXCEPTION_WRITE_FAULT:
        return "wrote to";
    case EXCEPTION_EXECUTE_FAULT:
        return "executed";
    default:
        return "read";
    }
}

/* The import was called or, being data, read. A call has left its return address: the report starts at the
 * caller. */
static void check_missing_import(struct fault *fault)
{
    const char *module, *name;
    bool called = access_kind(fault) == EXCEPTION_EXECUTE_FAULT;

    if (!arch_missing_import_name((void *)fault->address, &module, &name))
        return;
    if (called && unwind_leaf(&fault->context))
        fault->record.ExceptionAddress = (PVOID)fault->context.Rip;
    host_snprintf(fault->sentence, sizeof(fault->sentence), "the driver %s %s!%s, which is not provided",
                  called ? "called" : "used", module, name);
    stop(fault, KMODE_EXCEPTION_NOT_HANDLED, (ULONG)STATUS_ENTRYPOINT_NOT_FOUND, fault->context.Rip,
         fault->address, 0);
}

static void check_irql(struct fault *fault)
{
    KIRQL irql = arch_ops.irql();

    if (irql < DISPATCH_LEVEL)
        return;
    host_snprintf(fault->sentence, sizeof(fault->sentence), "invalid memory at %p was %s at IRQL %u",
                  (void *)fault->address,
                  access_kind(fault) == EXCEPTION_WRITE_FAULT     ? "written"
                  : access_kind(fault) == EXCEPTION_EXECUTE_FAULT ? "executed"
                                                                  : "read",
                  irql);
    stop(fault, fault->in_driver ? DRIVER_IRQL_NOT_LESS_OR_EQUAL : IRQL_NOT_LESS_OR_EQUAL, fault->address,
         irql, access_kind(fault), fault->context.Rip);
}

/* NT calls the lower half of the address space the user's. Our own reservation lies there, and is the
 * system's. */
static bool is_system_address(ULONG64 address)
{
    return address >= SYSTEM_HALF || hmem_is_system((void *)address);
}

static void check_protection(struct fault *fault)
{
    enum hmem_protection protection = hmem_protection_of((void *)fault->address);

    if (access_kind(fault) == EXCEPTION_WRITE_FAULT && protection & HMEM_R && !(protection & HMEM_W)) {
        host_snprintf(fault->sentence, sizeof(fault->sentence), "the driver wrote to read-only memory at %p",
                      (void *)fault->address);
        stop(fault, ATTEMPTED_WRITE_TO_READONLY_MEMORY, fault->address, protection, 0, 0);
    }
    if (access_kind(fault) == EXCEPTION_EXECUTE_FAULT && protection & HMEM_R) {
        host_snprintf(fault->sentence, sizeof(fault->sentence),
                      "the driver executed memory at %p, which holds data", (void *)fault->address);
        stop(fault, ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY, fault->address, protection, 0, 0);
    }
}

static void check_system_address(struct fault *fault)
{
    static const UCHAR kinds[] = {[EXCEPTION_WRITE_FAULT] = 2, [EXCEPTION_EXECUTE_FAULT] = 0x10};
    bool write = access_kind(fault) == EXCEPTION_WRITE_FAULT;

    if (!is_system_address(fault->address))
        return;
    ULONG code = arch_ops.bad_address ? arch_ops.bad_address(fault->address, write, fault->context.Rip) : 0;
    if (code)
        stop(fault, code, fault->address, write, fault->context.Rip, 0);
    check_protection(fault);
    host_snprintf(fault->sentence, sizeof(fault->sentence), "the driver %s %p, where no system memory is",
                  access_verb(fault), (void *)fault->address);
    stop(fault, PAGE_FAULT_IN_NONPAGED_AREA, fault->address, kinds[access_kind(fault)], fault->context.Rip,
         0);
}

static void check_fast_fail(struct fault *fault)
{
    if (fault->trap != TRAP_PROTECTION || fault->record.ExceptionCode != STATUS_STACK_BUFFER_OVERRUN)
        return;
    host_snprintf(fault->sentence, sizeof(fault->sentence),
                  "the driver found its own state corrupt (fast fail %u)",
                  (unsigned)fault->record.ExceptionInformation[0]);
    stop(fault, KERNEL_SECURITY_CHECK_FAILURE, fault->record.ExceptionInformation[0],
         (ULONG64)&fault->context, (ULONG64)&fault->record, 0);
}

/* A page fault, or an emulated instruction whose operand cannot be reached. */
static bool is_access_to_address(const struct fault *fault)
{
    return fault->record.ExceptionCode == STATUS_ACCESS_VIOLATION && fault->record.NumberParameters == 2 &&
           fault->record.ExceptionInformation[1] != ~0ull;
}

void bugcheck_if_not_catchable(struct fault *fault)
{
    check_fast_fail(fault);
    if (!is_access_to_address(fault))
        return;
    fault->address = fault->record.ExceptionInformation[1];
    check_missing_import(fault);
    check_irql(fault);
    check_system_address(fault);
}

#define DEBUG_SERVICE_PRINT          1
#define DEBUG_SERVICE_LOAD_SYMBOLS   3
#define DEBUG_SERVICE_COMMAND_STRING 5

/* Messages to a debugger that is not there: taken as read. */
static bool is_message_to_debugger(const struct fault *fault)
{
    ULONG_PTR service = fault->record.ExceptionInformation[0];

    return fault->trap == TRAP_PROTECTION && fault->record.ExceptionCode == STATUS_BREAKPOINT &&
           (service == DEBUG_SERVICE_PRINT ||
            (service >= DEBUG_SERVICE_LOAD_SYMBOLS && service <= DEBUG_SERVICE_COMMAND_STRING));
}

/* seen: what handlers were shown for the address at. */
_Noreturn static void resume(struct fault *fault, ULONG64 seen, ULONG64 at)
{
    CONTEXT *context = &fault->context;

    context->Rip = context->Rip == seen ? at : image_resume_rip(context->Rip);
    records_discard(thread_here(), context->Rsp);
    context_resume(context);
}

/* A call to nowhere has changed nothing but the stack: for unwinding, control is still at the call. */
static void link_trap_record(struct fault *fault)
{
    struct arch_thread *thread = thread_here();

    record_from_context(&fault->link, &fault->context);
    if (fault->in_driver && !arch_image_find(fault->rip) &&
        guarded_read64(&fault->link.rip, fault->context.Rsp))
        fault->link.rsp += 8;
    fault->link.type = ARCH_RECORD_TRAP;
    fault->link.entry = NULL;
    fault->link.previous = thread->records;
    thread->records = &fault->link;
}

/* Handlers see the addresses of the file's code, not those of the thunks that patching moved pieces of it to.
 */
static void map_back(struct fault *fault)
{
    const struct arch_image *image = arch_image_find(fault->rip);

    if (!image)
        return;
    fault->context.Rip = image_original_rip(image, fault->context.Rip);
    fault->record.ExceptionAddress =
        (PVOID)image_original_rip(image, (ULONG64)fault->record.ExceptionAddress);
}

_Noreturn void fault_dispatch(struct fault *fault)
{
    ULONG64 at;

    fault_to_exception(fault);
    link_trap_record(fault);
    at = fault->context.Rip;
    if (arch_ops.emulate && arch_ops.emulate(&fault->record, &fault->context)) {
        if (arch_ops.emulated)
            arch_ops.emulated();
        resume(fault, at, at);
    }
    map_back(fault);
    ULONG64 seen = fault->context.Rip;
    bugcheck_if_not_catchable(fault);
    if (!is_message_to_debugger(fault))
        exception_dispatch(&fault->record, &fault->context);
    resume(fault, seen, at);
}

/* Runs on the emergency stack, at whose top the fault lies. */
_Noreturn void stack_overflow_dispatch(struct fault *fault)
{
    const void *full_stack;
    size_t full_bytes;
    void *fake = NULL;

    sanitizer_start_switch(&fake, (char *)(fault + 1) - HOST_EMERGENCY_BYTES, HOST_EMERGENCY_BYTES);
    sanitizer_finish_switch(fake, &full_stack, &full_bytes);
    fault_to_exception(fault);
    fault->record.ExceptionCode = STATUS_STACK_OVERFLOW;
    host_snprintf(fault->sentence, sizeof(fault->sentence), "the kernel stack is used up (stack pointer %p)",
                  (void *)fault->context.Rsp);
    stop(fault, UNEXPECTED_KERNEL_MODE_TRAP, 8, 0, fault->context.Rsp, fault->context.Rip);
}

/* Our own code faulted on an NT stack: as a rule on a pointer that a driver passed to the export that it
 * called. */
_Noreturn void runtime_fault_dispatch(struct fault *fault)
{
    const struct arch_record *record = thread_here()->records;

    fault_to_exception(fault);
    if (record && record->type == ARCH_RECORD_GATE)
        host_snprintf(fault->sentence, sizeof(fault->sentence), "%s faulted on what the driver passed to it",
                      record->entry->name);
    link_trap_record(fault);
    bugcheck_if_not_catchable(fault);
    stop(fault, KMODE_EXCEPTION_NOT_HANDLED, (ULONG)fault->record.ExceptionCode, fault->context.Rip,
         fault->record.ExceptionInformation[0], fault->record.ExceptionInformation[1]);
}
