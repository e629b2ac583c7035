/* SPDX-License-Identifier: MIT */
/*
 * NMI callbacks: called at HIGH_LEVEL for an interrupt that cannot be masked,
 * the last one registered first. One that nobody handles stops the machine.
 * Lock: nmi_lock (rl_lock), taken by who registers; the interrupt walks the
 * list without it, so an entry is linked when it is complete and its memory
 * stays until the machine ends.
 */
#include "ke/bugcheck.h"
#include "ke/objects.h"

enum { CALLBACKS_MAX = 16 };

struct nmi_callback {
    struct nmi_callback *next;
    PNMI_CALLBACK routine; /* NULL: it was deregistered */
    PVOID context;
};

static struct nmi_callback storage[CALLBACKS_MAX];
static struct nmi_callback *newest;
static unsigned used;
static rl_lock nmi_lock;

void nmi_init(void)
{
    newest = NULL;
    used = 0;
    nmi_lock.word = 0;
}

static struct nmi_callback *find_free(void)
{
    for (unsigned i = 0; i < used; i++)
        if (storage[i].routine == NULL)
            return &storage[i];
    return used < CALLBACKS_MAX ? &storage[used++] : NULL;
}

/* One that is used again moves to the front: it is the newest. */
static void unlink_callback(struct nmi_callback *callback)
{
    for (struct nmi_callback **at = &newest; *at != NULL; at = &(*at)->next)
        if (*at == callback) {
            *at = callback->next;
            return;
        }
}

/* A handle for KeDeregisterNmiCallback; NULL: there are too many. IRQL: <= APC_LEVEL. Rules: SR-44. */
EXPORT(ntoskrnl, KeRegisterNmiCallback, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PVOID NTAPI KeRegisterNmiCallback(PNMI_CALLBACK CallbackRoutine, PVOID Context)
{
    rl_lock_acquire(&nmi_lock);
    struct nmi_callback *callback = find_free();
    if (callback != NULL) {
        unlink_callback(callback);
        callback->context = Context;
        callback->routine = CallbackRoutine;
        callback->next = newest;
        __atomic_store_n(&newest, callback, __ATOMIC_RELEASE);
    }
    rl_lock_release(&nmi_lock);
    return callback;
}

/* STATUS_INVALID_HANDLE: it is not registered. IRQL: <= APC_LEVEL. Rules: SR-44. */
EXPORT(ntoskrnl, KeDeregisterNmiCallback, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI KeDeregisterNmiCallback(PVOID Handle)
{
    struct nmi_callback *callback = Handle;
    rl_lock_acquire(&nmi_lock);
    bool registered = callback >= storage && callback < storage + used &&
                      ((uintptr_t)callback - (uintptr_t)storage) % sizeof(*callback) == 0 &&
                      callback->routine != NULL;
    if (registered)
        __atomic_store_n(&callback->routine, NULL, __ATOMIC_RELEASE);
    rl_lock_release(&nmi_lock);
    return registered ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

static uint32_t taken; /* how many came to their end */

static void deliver(void *unused)
{
    BOOLEAN handled = FALSE;
    (void)unused;
    for (struct nmi_callback *it = __atomic_load_n(&newest, __ATOMIC_ACQUIRE); it != NULL; it = it->next) {
        PNMI_CALLBACK routine = __atomic_load_n(&it->routine, __ATOMIC_ACQUIRE);
        if (routine == NULL)
            continue;
        uint64_t cookie = ke_callout_enter("NMI", (const void *)(uintptr_t)routine);
        /* SR-44: at HIGH_LEVEL, told whether another one has handled it. */
        handled |= routine(it->context, handled) != FALSE;
        ke_callout_leave("NMI", (const void *)(uintptr_t)routine, cookie);
    }
    /* SR-44: nobody knew what it was. */
    if (!handled)
        bugcheck_sentence(NMI_HARDWARE_FAILURE, 0, 0, 0, 0,
                          "a nonmaskable interrupt came and no driver has handled it");
    __atomic_add_fetch(&taken, 1, __ATOMIC_RELEASE);
}

uint32_t ke_nmis_taken(void)
{
    return __atomic_load_n(&taken, __ATOMIC_ACQUIRE);
}

void ke_request_nmi(void)
{
    ke_request_interrupt(1, HIGH_LEVEL, 2, deliver, NULL);
}
