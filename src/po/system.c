/* SPDX-License-Identifier: MIT */
/*
 * System power states: a transition asks and tells all started devices, one
 * rank after the other, all devices of a rank at the same time. It runs on the
 * PnP thread, so that no device comes or goes meanwhile; a watchdog looks at
 * how long it waits for that.
 */
#include "po/order.h"

static SYSTEM_POWER_STATE current;        /* what the last transition led to */
static SYSTEM_POWER_STATE slept, written; /* its target and effective states */
static SYSTEM_POWER_STATE going_to;       /* PowerSystemUnspecified: no transition is under way */

void po_system_reset(void)
{
    current = slept = written = PowerSystemWorking;
    going_to = PowerSystemUnspecified;
}

SYSTEM_POWER_STATE po_system_state(void)
{
    SYSTEM_POWER_STATE to = __atomic_load_n(&going_to, __ATOMIC_ACQUIRE);
    return to > PowerSystemWorking ? to : __atomic_load_n(&current, __ATOMIC_ACQUIRE);
}

/* ---- one rank's IRPs ---- */

struct po_stage {
    LONG left;
    KEVENT done;
};

static void one_less(struct po_stage *stage)
{
    if (__atomic_sub_fetch(&stage->left, 1, __ATOMIC_ACQ_REL) == 0)
        KeSetEvent(&stage->done, IO_NO_INCREMENT, FALSE);
}

static void stop_ended(struct po_request *request, NTSTATUS status, void *context)
{
    struct po_stop *stop = context;
    stop->status = status;
    one_less(stop->stage);
}

static void send_to(struct po_stop *stop, struct po_wish wish, struct po_stage *stage)
{
    wish.device = stop->node->pdo;
    wish.own_completion = stop_ended;
    wish.context = stop;
    stop->asked = true;
    stop->stage = stage;
    __atomic_add_fetch(&stage->left, 1, __ATOMIC_ACQ_REL);
    NTSTATUS status = po_submit(&wish, NULL);
    if (status != STATUS_PENDING)
        stop_ended(NULL, status, stop);
}

/* Whom a step of a transition goes to. */
enum whom { STARTED, ASKED };

static NTSTATUS send_rank(struct po_plan *plan, unsigned rank, const struct po_wish *wish, enum whom whom)
{
    struct po_stage stage = {.left = 1};
    NTSTATUS status = STATUS_SUCCESS;
    KeInitializeEvent(&stage.done, NotificationEvent, FALSE);
    for (unsigned i = 0; i < plan->count; i++) {
        struct po_stop *stop = &plan->stops[i];
        if (stop->rank == rank && (whom == STARTED ? stop->started : stop->asked))
            /* PW-03: system power IRPs come from here alone. */
            send_to(stop, *wish, &stage);
    }
    one_less(&stage);
    /* PW-26, PW-30: the next rank when all of this one have ended, pended or not. */
    KeWaitForSingleObject(&stage.done, Executive, KernelMode, FALSE, NULL);
    for (unsigned i = 0; i < plan->count && NT_SUCCESS(status); i++)
        if (plan->stops[i].stage == &stage)
            status = plan->stops[i].status;
    return status;
}

/* Children before parents; until one fails, if that matters. */
static NTSTATUS send_down(struct po_plan *plan, const struct po_wish *wish, bool veto)
{
    NTSTATUS status = STATUS_SUCCESS;
    for (unsigned rank = 0; rank < plan->ranks; rank++) {
        /* PW-26: who depends on others goes first. */
        status = send_rank(plan, rank, wish, STARTED);
        if (veto && !NT_SUCCESS(status))
            return status;
    }
    return STATUS_SUCCESS;
}

/* Parents before children. */
static void send_up(struct po_plan *plan, const struct po_wish *wish, enum whom whom)
{
    for (unsigned rank = plan->ranks; rank-- > 0;)
        /* PW-26: what others depend on goes first. */
        send_rank(plan, rank, wish, whom);
}

/* ---- transitions ---- */

static struct po_wish wish_for(UCHAR minor, SYSTEM_POWER_STATE state, POWER_ACTION action,
                               SYSTEM_POWER_STATE from, SYSTEM_POWER_STATE target)
{
    struct po_wish wish = {
        .minor = minor, .type = SystemPowerState, .state.SystemState = state, .action = action};
    /* PW-31: which states it leads from and to, */
    wish.system_context.CurrentSystemState = from;
    /* PW-31: as it was asked for, */
    wish.system_context.TargetSystemState = target;
    /* PW-31: and as it is done. */
    wish.system_context.EffectiveSystemState = state;
    return wish;
}

static NTSTATUS go_down(struct po_plan *plan, const struct po_transition *t)
{
    struct po_wish query = wish_for(IRP_MN_QUERY_POWER, t->state, t->action, PowerSystemWorking, t->target);
    struct po_wish set = wish_for(IRP_MN_SET_POWER, t->state, t->action, PowerSystemWorking, t->target);
    /* PWR-03, PW-18: not if it is critical. */
    NTSTATUS status = t->forced ? STATUS_SUCCESS : send_down(plan, &query, true);
    /* PW-16: a driver's veto. */
    if (!NT_SUCCESS(status)) {
        struct po_wish stay =
            wish_for(IRP_MN_SET_POWER, PowerSystemWorking, t->action, PowerSystemWorking, PowerSystemWorking);
        /* PW-17: all that were asked hear that it stays as it is. */
        send_up(plan, &stay, ASKED);
        return status;
    }
    /* PWR-02, PW-15: nobody can refuse this. */
    send_down(plan, &set, false);
    slept = t->target;
    written = t->state;
    __atomic_store_n(&current, t->state, __ATOMIC_RELEASE);
    return STATUS_SUCCESS;
}

static void go_up(struct po_plan *plan, bool power_lost)
{
    bool in_memory = slept < PowerSystemHibernate && !power_lost;
    SYSTEM_POWER_STATE from = in_memory ? slept : written;
    struct po_wish set =
        wish_for(IRP_MN_SET_POWER, PowerSystemWorking, PowerActionSleep, from, PowerSystemWorking);
    /* PW-18: without asking. */
    send_up(plan, &set, STARTED);
    __atomic_store_n(&current, PowerSystemWorking, __ATOMIC_RELEASE);
}

static NTSTATUS go(struct po_plan *plan, const struct po_transition *t)
{
    if (current == PowerSystemShutdown)
        return STATUS_INVALID_DEVICE_STATE;
    if (current != PowerSystemWorking && current != t->state)
        go_up(plan, t->power_lost);
    if (current == t->state)
        return STATUS_SUCCESS;
    __atomic_store_n(&going_to, t->state, __ATOMIC_RELEASE);
    NTSTATUS status = go_down(plan, t);
    __atomic_store_n(&going_to, PowerSystemUnspecified, __ATOMIC_RELEASE);
    return status;
}

/* ---- on the PnP thread ---- */

#define PNP_SECONDS 300 /* PW-27: how long what is under way there may take */

struct passage {
    const struct po_transition *transition;
    KTIMER timer;
    KDPC dpc;
};

static struct {
    USHORT signature, revision;
    void *completion_queue, *delayed_work;
} triage = {0x8001, 1, NULL, NULL};

static VOID NTAPI blocked(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
    /* PW-27: a driver keeps the PnP manager busy. */
    ke_bugcheck(&(struct ke_bugcheck_info){
        .code = DRIVER_POWER_STATE_FAILURE,
        .p = {4, PNP_SECONDS, (ULONG_PTR)pnp_thread(), (ULONG_PTR)&triage},
        .sentence = "a power transition has been waiting for the PnP manager for too long",
    });
}

static NTSTATUS pass(void *context)
{
    struct passage *passage = context;
    struct po_plan plan;
    KeCancelTimer(&passage->timer);
    NTSTATUS status = po_plan_make(&plan);
    if (NT_SUCCESS(status))
        status = go(&plan, passage->transition);
    po_plan_free(&plan);
    return status;
}

static bool is_valid(const struct po_transition *t)
{
    bool hybrid = t->target != t->state;
    if (t->state < PowerSystemWorking || t->state > PowerSystemShutdown)
        return false;
    return !hybrid || (t->state == PowerSystemHibernate &&
                       (t->target == PowerSystemSleeping3 || t->target == PowerSystemShutdown));
}

NTSTATUS po_transition(const struct po_transition *transition)
{
    struct passage passage = {.transition = transition};
    LARGE_INTEGER limit = {.QuadPart = -(LONGLONG)(PNP_SECONDS * PO_SECOND)};
    if (!is_valid(transition))
        return STATUS_INVALID_PARAMETER;
    if (transition->idle && po_system_is_busy())
        return STATUS_DEVICE_BUSY;
    KeInitializeTimerEx(&passage.timer, NotificationTimer);
    KeInitializeDpc(&passage.dpc, blocked, NULL);
    KeSetTimer(&passage.timer, limit, &passage.dpc);
    NTSTATUS status = pnp_run(pass, &passage);
    KeCancelTimer(&passage.timer);
    return status;
}

NTSTATUS po_set_system_power(SYSTEM_POWER_STATE state, POWER_ACTION action, bool forced)
{
    return po_transition(
        &(struct po_transition){.state = state, .target = state, .action = action, .forced = forced});
}
