/* SPDX-License-Identifier: MIT */
/*
 * Reinitialize routines: called once more after DriverEntry, in the order of
 * registration; one that registers itself again goes to the tail and is called
 * in the next round. Lock: list_lock (rl_lock), not held across a routine.
 */
#include "io/private.h"

struct reinit {
    LIST_ENTRY link;
    PDRIVER_OBJECT driver;
    PDRIVER_REINITIALIZE routine;
    PVOID context;
};

static rl_lock list_lock;
static LIST_ENTRY pending = {&pending, &pending};

void io_reinitialize_reset(void)
{
    list_lock = (rl_lock){0};
    list_init(&pending);
}

static void register_routine(PDRIVER_OBJECT driver, PDRIVER_REINITIALIZE routine, PVOID context)
{
    struct reinit *r = mm_alloc(sizeof(*r), IO_STATE_TAG);
    if (!r)
        return;
    r->driver = driver;
    r->routine = routine;
    r->context = context;
    driver->Flags |= DRVO_REINIT_REGISTERED;
    rl_lock_acquire(&list_lock);
    /* LC-08: to the tail. */
    list_insert_tail(&pending, &r->link);
    rl_lock_release(&list_lock);
}

/* IRQL: PASSIVE_LEVEL. Rules: LC-08, SR-02. */
EXPORT(ntoskrnl, IoRegisterDriverReinitialization, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoRegisterDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                            PDRIVER_REINITIALIZE DriverReinitializationRoutine, PVOID Context)
{
    register_routine(DriverObject, DriverReinitializationRoutine, Context);
}

/* There is no boot phase here: boot devices are there before any driver. IRQL: PASSIVE_LEVEL. Rules: SR-03.
 */
EXPORT(ntoskrnl, IoRegisterBootDriverReinitialization, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoRegisterBootDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                                PDRIVER_REINITIALIZE DriverReinitializationRoutine,
                                                PVOID Context)
{
    register_routine(DriverObject, DriverReinitializationRoutine, Context);
}

static struct reinit *take_first(PDRIVER_OBJECT driver)
{
    struct reinit *found = NULL;
    rl_lock_acquire(&list_lock);
    list_for_each(it, &pending)
    {
        struct reinit *r = container_of(it, struct reinit, link);
        if (r->driver == driver) {
            list_remove(it);
            found = r;
            break;
        }
    }
    rl_lock_release(&list_lock);
    return found;
}

/* Rules: LC-08. In a system thread, after DriverEntry. */
void io_run_reinitialize(PDRIVER_OBJECT driver)
{
    for (struct reinit *r; (r = take_first(driver)) != NULL; mm_free(r)) {
        /* LC-08: the count includes this call. */
        ULONG count = ++driver->DriverExtension->Count;
        uint64_t cookie = ke_callout_enter("Reinitialize", r->routine);
        r->routine(driver, r->context, count);
        ke_callout_leave("Reinitialize", r->routine, cookie);
    }
}

void io_forget_reinitialize(PDRIVER_OBJECT driver)
{
    for (struct reinit *r; (r = take_first(driver)) != NULL;)
        mm_free(r);
}
