/* SPDX-License-Identifier: MIT */
/*
 * Notifications of processes, threads and images. Each kind has a table of
 * routines; a routine runs at PASSIVE_LEVEL inside a critical region, with no
 * lock held, and removing it waits until nobody runs it any more.
 */
#include "ke/held.h"
#include "ke/routines.h"
#include "ldr/ldr.h"
#include "ps/internal.h"
#include "rtl/rtl.h"

#define MAX_ROUTINES 64

struct slot {
    const void *routine; /* NULL: free */
    bool extended;       /* process routines: the Ex form */
    bool removed;        /* no more calls begin */
    LONG running;
};

struct list {
    enum ke_held_kind kind;
    rl_lock lock;
    LONG count;
    struct slot slots[MAX_ROUTINES];
};

static struct list process_list = {.kind = KE_HELD_PROCESS_NOTIFY};
static struct list thread_list = {.kind = KE_HELD_THREAD_NOTIFY};
static struct list image_list = {.kind = KE_HELD_IMAGE_NOTIFY};

static void empty(struct list *list)
{
    *list = (struct list){.kind = list->kind};
}

void ps_notify_fini(void)
{
    empty(&process_list);
    empty(&thread_list);
    empty(&image_list);
}

static struct slot *find(struct list *list, const void *routine)
{
    for (unsigned i = 0; i < MAX_ROUTINES; i++)
        if (list->slots[i].routine == routine && !list->slots[i].removed)
            return &list->slots[i];
    return NULL;
}

enum added { ADDED, FULL, ALREADY_THERE };

static enum added add(struct list *list, const void *routine, bool extended)
{
    enum added result = ADDED;
    rl_lock_acquire(&list->lock);
    struct slot *slot = find(list, NULL);
    if (find(list, routine))
        result = ALREADY_THERE;
    else if (!slot)
        result = FULL;
    if (result == ADDED) {
        *slot = (struct slot){.routine = routine, .extended = extended};
        list->count++;
    }
    rl_lock_release(&list->lock);
    if (result == ADDED)
        ke_hold(list->kind, routine);
    return result;
}

/* False: it is not registered. Waits for calls in progress: PASSIVE_LEVEL, and never from the routine itself.
 */
static bool take_away(struct list *list, const void *routine)
{
    LARGE_INTEGER millisecond = {.QuadPart = -10000};
    rl_lock_acquire(&list->lock);
    struct slot *slot = find(list, routine);
    if (slot) {
        slot->removed = true;
        list->count--;
    }
    rl_lock_release(&list->lock);
    if (!slot)
        return false;
    ke_unhold(list->kind, routine);
    while (__atomic_load_n(&slot->running, __ATOMIC_ACQUIRE))
        KeDelayExecutionThread(KernelMode, FALSE, &millisecond);
    rl_lock_acquire(&list->lock);
    *slot = (struct slot){0};
    rl_lock_release(&list->lock);
    return true;
}

/* ---- calling ---- */

/* Takes the routine of a slot for one call; NULL: none there. */
static const void *begin_call(struct list *list, struct slot *slot, bool *extended)
{
    rl_lock_acquire(&list->lock);
    const void *routine = slot->removed ? NULL : slot->routine;
    if (routine)
        slot->running++;
    *extended = slot->extended;
    rl_lock_release(&list->lock);
    if (routine)
        ke_thread()->kernel_apc_disable--;
    return routine;
}

static void end_call(struct slot *slot)
{
    ke_thread()->kernel_apc_disable++;
    __atomic_sub_fetch(&slot->running, 1, __ATOMIC_RELEASE);
}

static void call_process_routine(const void *routine, bool extended, struct ke_process *process, bool created)
{
    HANDLE parent = process->parent ? process->parent->id : NULL;
    UNICODE_STRING empty = {0};
    PS_CREATE_NOTIFY_INFO info = {.Size = sizeof(info),
                                  .ParentProcessId = parent,
                                  .CreatingThreadId = {parent, ps_current()->id},
                                  .ImageFileName = &empty,
                                  .CommandLine = &empty};
    uint64_t cookie = ke_callout_enter("process notify", routine);
    if (extended)
        /* SR-48: without information, the process ends. */
        ((PCREATE_PROCESS_NOTIFY_ROUTINE_EX)(uintptr_t)routine)((PEPROCESS)process, process->id,
                                                                created ? &info : NULL);
    else
        ((PCREATE_PROCESS_NOTIFY_ROUTINE)(uintptr_t)routine)(parent, process->id, created);
    ke_callout_leave("process notify", routine, cookie);
}

void ps_notify_process(struct ke_process *process, bool created)
{
    bool extended;
    for (unsigned i = 0; process_list.count && i < MAX_ROUTINES; i++) {
        const void *routine = begin_call(&process_list, &process_list.slots[i], &extended);
        if (!routine)
            continue;
        call_process_routine(routine, extended, process, created);
        end_call(&process_list.slots[i]);
    }
}

void ps_notify_thread(struct ps_thread *thread, bool created)
{
    bool extended;
    for (unsigned i = 0; thread_list.count && i < MAX_ROUTINES; i++) {
        const void *routine = begin_call(&thread_list, &thread_list.slots[i], &extended);
        if (!routine)
            continue;
        uint64_t cookie = ke_callout_enter("thread notify", routine);
        /* SR-48: in the thread that begins or ends. */
        ((PCREATE_THREAD_NOTIFY_ROUTINE)(uintptr_t)routine)(thread->process->id, thread->id, created);
        ke_callout_leave("thread notify", routine, cookie);
        end_call(&thread_list.slots[i]);
    }
}

bool ps_notify_wants_threads(void)
{
    return thread_list.count || process_list.count;
}

void ps_notify_image(const char *file_name, void *base, size_t size)
{
    static const WCHAR folder[] = u"\\SystemRoot\\System32\\drivers\\";
    WCHAR text[128];
    bool extended;
    memcpy(text, folder, sizeof(folder));
    size_t length = countof(folder) - 1, name = 0;
    for (; file_name[name] && length + 1 < countof(text); name++)
        text[length++] = (WCHAR)(UCHAR)file_name[name];
    text[length] = 0;
    UNICODE_STRING full = {(USHORT)(length * sizeof(WCHAR)), (USHORT)((length + 1) * sizeof(WCHAR)), text};
    for (unsigned i = 0; image_list.count && i < MAX_ROUTINES; i++) {
        IMAGE_INFO info = {.ImageBase = base, .ImageSize = size};
        const void *routine = begin_call(&image_list, &image_list.slots[i], &extended);
        if (!routine)
            continue;
        info.ImageAddressingMode = IMAGE_ADDRESSING_MODE_32BIT;
        info.SystemModeImage = 1;
        uint64_t cookie = ke_callout_enter("image notify", routine);
        /* SR-48: before any of its code runs. */
        ((PLOAD_IMAGE_NOTIFY_ROUTINE)(uintptr_t)routine)(&full, NULL,
                                                         &info); /* a driver belongs to no process */
        ke_callout_leave("image notify", routine, cookie);
        end_call(&image_list.slots[i]);
    }
}

/* ---- registering ---- */

static NTSTATUS set_process_routine(const void *routine, BOOLEAN remove, bool extended)
{
    if (remove)
        return take_away(&process_list, routine) ? STATUS_SUCCESS : STATUS_PROCEDURE_NOT_FOUND;
    return add(&process_list, routine, extended) == ADDED ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

EXPORT(ntoskrnl, PsSetCreateProcessNotifyRoutine, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE NotifyRoutine, BOOLEAN Remove)
{
    return set_process_routine((const void *)NotifyRoutine, Remove, false);
}

/* The image must be linked with /INTEGRITYCHECK, as documented. */
static bool checks_integrity(const void *routine)
{
    const struct ldr_image *image = ldr_find(routine);
    if (!image)
        return true; /* not a driver's */
    const char *base = image->base;
    const IMAGE_NT_HEADERS64 *headers =
        (const void *)(base + ((const IMAGE_DOS_HEADER *)image->base)->e_lfanew);
    return headers->OptionalHeader.DllCharacteristics & 0x0080;
}

EXPORT(ntoskrnl, PsSetCreateProcessNotifyRoutineEx, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI PsSetCreateProcessNotifyRoutineEx(PCREATE_PROCESS_NOTIFY_ROUTINE_EX NotifyRoutine,
                                                 BOOLEAN Remove)
{
    if (!checks_integrity((const void *)NotifyRoutine))
        return STATUS_ACCESS_DENIED;
    return set_process_routine((const void *)NotifyRoutine, Remove, true);
}

EXPORT(ntoskrnl, PsSetCreateThreadNotifyRoutine, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine)
{
    return add(&thread_list, (const void *)NotifyRoutine, false) == FULL ? STATUS_INSUFFICIENT_RESOURCES
                                                                         : STATUS_SUCCESS;
}

EXPORT(ntoskrnl, PsRemoveCreateThreadNotifyRoutine, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
NTSTATUS NTAPI PsRemoveCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine)
{
    return take_away(&thread_list, (const void *)NotifyRoutine) ? STATUS_SUCCESS : STATUS_PROCEDURE_NOT_FOUND;
}

EXPORT(ntoskrnl, PsSetLoadImageNotifyRoutine, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine)
{
    return add(&image_list, (const void *)NotifyRoutine, false) == FULL ? STATUS_INSUFFICIENT_RESOURCES
                                                                        : STATUS_SUCCESS;
}

EXPORT(ntoskrnl, PsRemoveLoadImageNotifyRoutine, PASSIVE_LEVEL, APC_LEVEL, X_BLOCKS)
NTSTATUS NTAPI PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine)
{
    return take_away(&image_list, (const void *)NotifyRoutine) ? STATUS_SUCCESS : STATUS_PROCEDURE_NOT_FOUND;
}
