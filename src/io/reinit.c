/* SPDX-License-Identifier: MIT */
/*
 * Reinitialize routines: two queues, of the boot drivers and of all, each in
 * the order of registration. They are run when a phase of loading ends: after
 * the drivers that a machine starts with, and after each driver that is loaded
 * alone. Who registers itself again goes to the tail and is called again in
 * the same run. Lock: list_lock (rl_lock), not held across a routine.
 */
#include "io/private.h"

struct reinit {
    LIST_ENTRY link;
    PDRIVER_OBJECT driver;
    PDRIVER_REINITIALIZE routine;
    PVOID context;
};

enum { BOOT, ALL, QUEUES };

static rl_lock list_lock;
static LIST_ENTRY queues[QUEUES];
static unsigned phases; /* that have begun and not ended */
static bool running;    /* somebody runs the queues */

void io_reinitialize_reset(void)
{
    list_lock = (rl_lock){0};
    list_init(&queues[BOOT]);
    list_init(&queues[ALL]);
    phases = 0;
    running = false;
}

static void register_routine(PDRIVER_OBJECT driver, PDRIVER_REINITIALIZE routine, PVOID context,
                             unsigned queue)
{
    struct reinit *r = mm_alloc(sizeof(*r), IO_STATE_TAG);
    if (!r)
        return;
    r->driver = driver;
    r->routine = routine;
    r->context = context;
    driver->Flags |= queue == BOOT ? DRVO_BOOTREINIT_REGISTERED : DRVO_REINIT_REGISTERED;
    rl_lock_acquire(&list_lock);
    /* LC-08: to the tail. */
    list_insert_tail(&queues[queue], &r->link);
    rl_lock_release(&list_lock);
}

/* IRQL: PASSIVE_LEVEL. Rules: LC-08, SR-02. */
EXPORT(ntoskrnl, IoRegisterDriverReinitialization, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoRegisterDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                            PDRIVER_REINITIALIZE DriverReinitializationRoutine, PVOID Context)
{
    register_routine(DriverObject, DriverReinitializationRoutine, Context, ALL);
}

/* IRQL: PASSIVE_LEVEL. Rules: LC-08, SR-03. */
EXPORT(ntoskrnl, IoRegisterBootDriverReinitialization, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
VOID NTAPI IoRegisterBootDriverReinitialization(PDRIVER_OBJECT DriverObject,
                                                PDRIVER_REINITIALIZE DriverReinitializationRoutine,
                                                PVOID Context)
{
    /* SR-03: their queue is the first one to be run. */
    register_routine(DriverObject, DriverReinitializationRoutine, Context, BOOT);
}

/* The first entry of a driver, or of any driver whose DriverEntry has succeeded. Locked. */
static struct reinit *find_locked(unsigned queue, PDRIVER_OBJECT driver)
{
    list_for_each(it, &queues[queue])
    {
        struct reinit *r = container_of(it, struct reinit, link);
        if (driver ? r->driver == driver : io_driver_of(r->driver)->entered)
            return r;
    }
    return NULL;
}

static struct reinit *take(PDRIVER_OBJECT driver)
{
    rl_lock_acquire(&list_lock);
    struct reinit *found = find_locked(BOOT, driver);
    if (!found)
        found = find_locked(ALL, driver);
    if (found)
        list_remove(&found->link);
    rl_lock_release(&list_lock);
    return found;
}

static void call_routine(const struct reinit *r)
{
    PDRIVER_OBJECT driver = r->driver;
    /* LC-08: the count includes this call. */
    ULONG count = ++driver->DriverExtension->Count;
    driver->Flags &= ~(ULONG)(DRVO_REINIT_REGISTERED | DRVO_BOOTREINIT_REGISTERED);
    uint64_t cookie = ke_callout_enter("Reinitialize", r->routine);
    /* SR-02: in a system thread at PASSIVE_LEVEL. */
    r->routine(driver, r->context, count);
    ke_callout_leave("Reinitialize", r->routine, cookie);
}

static bool may_run(void)
{
    rl_lock_acquire(&list_lock);
    bool mine = phases == 0 && !running;
    running |= mine;
    rl_lock_release(&list_lock);
    return mine;
}

static bool is_done(void)
{
    rl_lock_acquire(&list_lock);
    bool done = !find_locked(BOOT, NULL) && !find_locked(ALL, NULL);
    if (done)
        running = false;
    rl_lock_release(&list_lock);
    return done;
}

/* In a system thread, after a DriverEntry. A driver that a routine loads waits for its turn. Rules: LC-08,
 * SR-02, SR-03. */
void io_run_reinitialize(void)
{
    /* LC-08: only when all drivers of the phase have been entered. */
    if (!may_run())
        return;
    do {
        for (struct reinit *r; (r = take(NULL)) != NULL; mm_free(r))
            call_routine(r);
    } while (!is_done());
}

static void run(void *context)
{
    io_run_reinitialize();
}

void io_load_phase_begin(void)
{
    rl_lock_acquire(&list_lock);
    phases++;
    rl_lock_release(&list_lock);
}

NTSTATUS io_load_phase_end(void)
{
    rl_lock_acquire(&list_lock);
    bool begun = phases != 0;
    phases -= begun;
    rl_lock_release(&list_lock);
    return begun ? io_in_system_thread(run, NULL, "driver load") : STATUS_INVALID_DEVICE_STATE;
}

void io_forget_reinitialize(PDRIVER_OBJECT driver)
{
    for (struct reinit *r; (r = take(driver)) != NULL;)
        mm_free(r);
}
