/* SPDX-License-Identifier: MIT */
#include "ke/held.h"
#include "world.h"

#include <asm/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host/host.h"
#include "ldr/ldr.h"
#include "ps/internal.h"
#include "ke/routines.h"
#include "rtl/rtl.h"
#include "cm/cm.h"

struct world_stop world_stopped;
jmp_buf world_jump;
struct ps_thread *world_thread;
bool world_out_of_memory;
long world_live_blocks;
uintptr_t world_user_low, world_user_high;
static _Alignas(64) char vp_storage[1 << 16]; /* a KPCR and all that may follow */
static struct ps_thread first_thread;
struct ke_thread_callouts ke_thread_callouts;
const struct vf_ops *seam_vf;
const struct trace_ops *seam_trace;

/* ---- the machine: one VP whose KPCR is where GS points; the names are ke's, whatever form ke.h gives them
 * ---- */

struct ke_vp *world_vp(void) __asm__("ke_vp");
struct ke_vp *world_vp(void)
{
    return (struct ke_vp *)vp_storage;
}

struct ke_thread *world_current(void) __asm__("ke_thread");
struct ke_thread *world_current(void)
{
    return *(struct ke_thread **)(vp_storage + 0x188);
}

KIRQL world_irql(void) __asm__("ke_irql");
KIRQL world_irql(void)
{
    return (KIRQL)vp_storage[0x50];
}

void world_set_irql(KIRQL irql)
{
    vp_storage[0x50] = (char)irql;
}

static void world_set_thread(struct ps_thread *thread)
{
    *(struct ke_thread **)(vp_storage + 0x188) = &thread->tcb;
}

void world_set_mode(KPROCESSOR_MODE mode)
{
    world_thread->tcb.previous_mode = mode;
}

void ke_bugcheck_code(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4)
{
    world_stopped = (struct world_stop){code, {p1, p2, p3, p4}};
    longjmp(world_jump, 1);
}

void rl_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

void rl_lock_contended(rl_lock *lock)
{
    fprintf(stderr, "a lock is taken twice\n");
    abort();
}

void rl_lock_wake(rl_lock *lock)
{
    lock->word = 0;
}

/* ---- host and memory ---- */

uint64_t host_system_time(void)
{
    static uint64_t now = 132000000000000000ull;
    return now++;
}

int host_snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(buffer, size, format, args);
    va_end(args);
    return length;
}

void host_cpu_relax(void)
{
}

void host_yield(void)
{
}

/* Every block lies in a list: as on the whole machine, what is left when it stops goes with its memory. */
struct block {
    LIST_ENTRY link;
};
static LIST_ENTRY blocks = {&blocks, &blocks};

void *mm_alloc(size_t size, ULONG tag)
{
    if (world_out_of_memory) {
        world_out_of_memory = false;
        return NULL;
    }
    struct block *block = calloc(1, sizeof(*block) + (size ? size : 1));
    list_insert_tail(&blocks, &block->link);
    world_live_blocks++;
    return block + 1;
}

void *mm_alloc_lines(size_t size, ULONG tag)
{
    return mm_alloc(size, tag);
}

void mm_free(void *p)
{
    struct block *block = p;
    if (p == NULL)
        return;
    list_remove(&block[-1].link);
    world_live_blocks--;
    free(block - 1);
}

static void free_what_is_left(void)
{
    while (!list_empty(&blocks))
        free(container_of(list_remove_head(&blocks), struct block, link));
}

void *mm_pool_allocate(POOL_TYPE type, size_t size, ULONG tag, bool zero, const void *caller)
{
    return mm_alloc(size, tag);
}

void mm_pool_free(void *block, ULONG tag, const void *caller)
{
    mm_free(block);
}

void *rtl_string_allocate(size_t bytes, const void *caller)
{
    return mm_alloc(bytes, 0);
}

void rtl_string_free(void *buffer, const void *caller)
{
    mm_free(buffer);
}

bool mm_user_range_ok(const void *p, size_t length)
{
    return (uintptr_t)p >= world_user_low && (uintptr_t)p + length <= world_user_high;
}

NTSTATUS arch_copy_guarded(void *to, const void *from, size_t length)
{
    memcpy(to, from, length);
    return STATUS_SUCCESS;
}

NTSTATUS mm_stack_create(struct mm_stack *stack)
{
    stack->low = mm_alloc(4096, 0);
    stack->bytes = 4096;
    return STATUS_SUCCESS;
}

void mm_stack_destroy(struct mm_stack *stack)
{
    mm_free(stack->low);
}

uint64_t host_interrupt_time(void)
{
    return 1000;
}

uint64_t hmem_ram_bytes(void)
{
    return 64 << 20;
}

static struct ldr_image world_image = {.name = "some.sys", .base = (void *)0x10000, .size = 0x5000};

void ldr_for_each(void (*visit)(struct ldr_image *, void *), void *context)
{
    visit(&world_image, context);
}

struct ldr_image *ldr_find(const void *address)
{
    return NULL;
}

NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval)
{
    return STATUS_SUCCESS;
}

/* ---- the dispatcher, as far as objects need it ---- */

VOID NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    Event->Header.Type = (UCHAR)Type;
    Event->Header.SignalState = State;
}

LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
    LONG before = Event->Header.SignalState;
    Event->Header.SignalState = 1;
    return before;
}

LONG NTAPI KeResetEvent(PRKEVENT Event)
{
    LONG before = Event->Header.SignalState;
    Event->Header.SignalState = 0;
    return before;
}

NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                     BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    return ((DISPATCHER_HEADER *)Object)->SignalState > 0 ? STATUS_SUCCESS : STATUS_TIMEOUT;
}

NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                        KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                        PLARGE_INTEGER Timeout, PKWAIT_BLOCK WaitBlockArray)
{
    for (ULONG i = 0; i < Count; i++)
        if (((DISPATCHER_HEADER *)Object[i])->SignalState > 0)
            return (NTSTATUS)i;
    return STATUS_TIMEOUT;
}

unsigned ke_cpus(void)
{
    return 2;
}

ULONG NTAPI KeQueryTimeIncrement(VOID)
{
    return 156250;
}

KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    ((struct ke_thread *)Thread)->priority = (SCHAR)Priority;
    return 8;
}

LONG NTAPI KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment)
{
    ((struct ke_thread *)Thread)->base_priority = (SCHAR)(8 + Increment);
    return 0;
}

void ke_thread_init(struct ke_thread *thread, void *stack_low, size_t stack_bytes, void (*start)(void *),
                    void *context, struct ke_process *process)
{
    thread->start = start;
    thread->start_context = context;
    thread->process = thread->own_process = process;
    thread->state = KE_INITIALIZED;
}

void ke_thread_start(struct ke_thread *thread)
{
    thread->state = KE_READY;
}

static jmp_buf thread_end;

/* Runs a created thread to its end on the test's stack, as the dispatcher would on its own. */
void world_run_thread(struct ps_thread *thread)
{
    struct ps_thread *former = world_thread;
    world_thread = thread;
    world_set_thread(thread);
    thread->tcb.state = KE_RUNNING;
    if (setjmp(thread_end) == 0)
        thread->tcb.start(thread->tcb.start_context);
    world_thread = former;
    world_set_thread(former);
    ke_thread_callouts.reaped(&thread->tcb);
}

void ke_thread_exit(NTSTATUS status)
{
    struct ke_thread *thread = &world_thread->tcb;
    ke_thread_callouts.exiting(thread);
    thread->exit_status = status;
    thread->state = KE_TERMINATED;
    thread->header.SignalState = 1;
    longjmp(thread_end, 1);
}

NTSTATUS ke_host_call(struct ke_thread *thread, NTSTATUS (*fn)(void *), void *arg, KPROCESSOR_MODE mode)
{
    struct ps_thread *former = world_thread;
    volatile NTSTATUS status = STATUS_SUCCESS;
    world_thread = container_of(thread, struct ps_thread, tcb);
    world_set_thread(world_thread);
    thread->previous_mode = mode;
    if (setjmp(thread_end) == 0)
        status = fn(arg);
    world_thread = former;
    world_set_thread(former);
    return status;
}

void ke_host_thread_end(NTSTATUS status)
{
    struct ke_thread *thread = &world_thread->tcb;
    ke_thread_callouts.exiting(thread);
    thread->exit_status = status;
    thread->header.SignalState = 1;
}

bool ke_host_thread_doom(struct ke_thread *thread, NTSTATUS status)
{
    thread->doom = status;
    thread->doomed = true;
    return false;
}

void ke_host_thread_exit(NTSTATUS status)
{
    ke_host_thread_end(status);
    longjmp(thread_end, 1);
}

void ke_signal(DISPATCHER_HEADER *header)
{
    header->SignalState = 1;
}

/* The threads of these tests make no requests. */
VOID NTAPI KeInitializeApc(PRKAPC Apc, PRKTHREAD Thread, KAPC_ENVIRONMENT Environment,
                           PKKERNEL_ROUTINE KernelRoutine, PKRUNDOWN_ROUTINE RundownRoutine,
                           PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode, PVOID NormalContext)
{
}

BOOLEAN NTAPI KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2, KPRIORITY Increment)
{
    return FALSE;
}

bool ke_on_vp(void)
{
    return true;
}

void ke_host_detach(struct ke_thread *thread)
{
    thread->host = NULL;
}

/* ---- start and end ---- */

int world_start(void **state)
{
    memset(vp_storage, 0, sizeof(vp_storage));
    *(void **)(vp_storage + 0x18) = vp_storage;
    syscall(SYS_arch_prctl, ARCH_SET_GS, vp_storage);
    world_thread = &first_thread;
    memset(&first_thread, 0, sizeof(first_thread));
    world_set_thread(&first_thread);
    world_live_blocks = 0;
    world_user_low = world_user_high = 0;
    if (!NT_SUCCESS(ob_init()) || !NT_SUCCESS(se_init()) || !NT_SUCCESS(cm_init()) || !NT_SUCCESS(ps_init()))
        return -1;
    if (!NT_SUCCESS(ps_thread_create(ps_system_process(), &world_thread)))
        return -1;
    world_thread->system_thread = true;
    world_thread->tcb.process = world_thread->tcb.own_process = ps_system_process();
    world_set_thread(world_thread);
    return 0;
}

int world_stop(void **state)
{
    ps_fini();
    cm_fini();
    ob_fini();
    free_what_is_left();
    return 0;
}

UNICODE_STRING world_string(const WCHAR *text)
{
    UNICODE_STRING string;
    rtl_init_string(&string, text);
    return string;
}

OBJECT_ATTRIBUTES world_attributes(UNICODE_STRING *name, ULONG flags)
{
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, name, flags, NULL, NULL);
    return attributes;
}

/* Nobody wants to know what drivers hold. */
bool ke_hold(enum ke_held_kind kind, const void *object)
{
    return true;
}

bool ke_unhold(enum ke_held_kind kind, const void *object)
{
    return true;
}
