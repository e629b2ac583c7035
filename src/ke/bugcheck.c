/* SPDX-License-Identifier: MIT */
/*
 * The machine stops. The first who calls wins: it raises its IRQL to
 * HIGH_LEVEL, freezes every other VP wherever that is, runs the drivers' bug
 * check callbacks and has the report made; then every context is abandoned and
 * every host call returns STATUS_SYSTEM_SHUTDOWN. A frozen VP is never run
 * again. A fault during the report goes on with what is left of it.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"
#include "ke/bugcheck.h"

struct ke_bugcheck_ops ke_bugcheck_ops;

static struct ke_bugcheck_info happened;
static uint32_t claimed;  /* 1: somebody stops the machine */
static uint32_t recorded; /* 1: happened is complete */
static unsigned claiming_vp;
static uint32_t frozen;   /* VPs that went home for good */
static uint32_t reported; /* futex: 1 when the report is made */
static enum { RECORDING, CALLBACKS, REPORT, DONE } stage;

enum { FREEZE_TRIES = 2000, FREEZE_WAIT_NS = 100000 }; /* 200 ms */

/* The code and the four parameters of the bug check, for dump and debugger drivers. */
EXPORT_DATA(ntoskrnl, KiBugCheckData)
ULONG_PTR KiBugCheckData[5];

void bugcheck_init(void)
{
    claimed = recorded = frozen = reported = 0;
    stage = RECORDING;
    __builtin_memset(KiBugCheckData, 0, sizeof(KiBugCheckData));
    bugcheck_callbacks_init();
    nmi_init();
}

const struct ke_bugcheck_info *ke_bugcheck_happened(void)
{
    return __atomic_load_n(&recorded, __ATOMIC_ACQUIRE) ? &happened : NULL;
}

static _Noreturn void abandon_context(void)
{
    struct vp *vp = vp_current();
    __atomic_add_fetch(&frozen, 1, __ATOMIC_SEQ_CST);
    vp->ke.pcr.Irql = HIGH_LEVEL;
    carrier_go_home(vp, HOME_STOPPED);
    host_panic("a context of a stopped machine was resumed");
}

static void stop_others(void)
{
    __atomic_store_n(&ke_stopped, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < ke_vp_count; i++) {
        vp_pend(&ke_vps[i], PEND_STOP);
        if (&ke_vps[i] != vp_current())
            vp_interrupt(&ke_vps[i]);
    }
    carrier_stop_all();
}

static unsigned count_running(void)
{
    unsigned running = 0;
    for (unsigned i = 0; i < ke_vp_count; i++)
        running += !vp_is_free(&ke_vps[i]);
    return running;
}

/* Bounded: a VP that cannot be reached is left running code that nobody waits for. */
static void wait_until_frozen(void)
{
    uint32_t never = 0;
    if (ke_simulated)
        return;
    for (int i = 0; i < FREEZE_TRIES; i++) {
        if (__atomic_load_n(&frozen, __ATOMIC_SEQ_CST) + 1 >= count_running())
            return;
        host_futex_wait(&never, 0, FREEZE_WAIT_NS);
        for (unsigned v = 0; v < ke_vp_count; v++)
            if (&ke_vps[v] != vp_current() && !vp_is_free(&ke_vps[v]) && i % 10 == 9)
                vp_interrupt(&ke_vps[v]);
    }
}

static void record(const struct ke_bugcheck_info *info, KIRQL irql)
{
    happened = *info;
    KiBugCheckData[0] = info->code;
    for (unsigned i = 0; i < 4; i++)
        KiBugCheckData[i + 1] = info->p[i];
    happened.thread = ke_thread();
    happened.vp = vp_current()->ke.number;
    happened.irql = irql;
    if (!happened.have_context) {
        arch_capture(&happened.context);
        happened.have_context = true;
    }
    happened.frame_count = arch_walk(&happened.context, happened.frames, countof(happened.frames));
    __atomic_store_n(&recorded, 1, __ATOMIC_RELEASE);
}

/* Each stage is entered once, also when the one before it faulted. */
static _Noreturn void finish_stages(void)
{
    while (stage < DONE)
        switch (stage++) {
        case RECORDING:
            __atomic_store_n(&recorded, 1, __ATOMIC_RELEASE);
            stop_others();
            wait_until_frozen();
            host_locks_abandoned(true);
            break;
        case CALLBACKS:
            TRACE(TRACE_BUGCHECK, NULL, .a = happened.code);
            if (!happened.stalled)
                bugcheck_callbacks_run();
            break;
        default:
            if (ke_bugcheck_ops.stopped)
                ke_bugcheck_ops.stopped(&happened);
        }
    __atomic_store_n(&reported, 1, __ATOMIC_SEQ_CST);
    host_futex_wake(&reported, INT32_MAX);
    abandon_context();
}

enum { REPORT_TRIES = 100, REPORT_WAIT_NS = 100000000 }; /* 10 s */

/* A host call that ends because the machine stopped: its caller finds the report complete. */
void bugcheck_wait_for_report(void)
{
    for (int i = 0; i < REPORT_TRIES; i++) {
        if (!__atomic_load_n(&claimed, __ATOMIC_SEQ_CST) || __atomic_load_n(&reported, __ATOMIC_SEQ_CST))
            return;
        host_futex_wait(&reported, 0, REPORT_WAIT_NS);
    }
}

static bool claim(void)
{
    uint32_t expected = 0;
    if (!__atomic_compare_exchange_n(&claimed, &expected, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        return false;
    claiming_vp = vp_current()->ke.number;
    return true;
}

void ke_bugcheck(const struct ke_bugcheck_info *info)
{
    KIRQL irql = ke_irql();
    if (!ke_on_vp())
        host_panic("bug check 0x%x outside of any processor: %s", info->code,
                   info->sentence ? info->sentence : "");
    irql_set(HIGH_LEVEL);
    if (claim())
        record(info, irql);
    else if (claiming_vp != vp_current()->ke.number)
        abandon_context();
    finish_stages();
}

void ke_bugcheck_code(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4)
{
    bugcheck_sentence(code, p1, p2, p3, p4, NULL);
}

void bugcheck_sentence(ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4, const char *sentence)
{
    struct ke_bugcheck_info info = {.code = code, .p = {p1, p2, p3, p4}, .sentence = sentence};
    ke_bugcheck(&info);
}

void bugcheck_at(ULONG code, const ULONG64 *p, const char *sentence, EXCEPTION_RECORD *record_,
                 CONTEXT *context)
{
    struct ke_bugcheck_info info = {.code = code,
                                    .p = {p[0], p[1], p[2], p[3]},
                                    .sentence = sentence,
                                    .exception = *record_,
                                    .context = *context,
                                    .have_context = true,
                                    .raise_address = (uintptr_t)record_->ExceptionAddress};
    ke_bugcheck(&info);
}

enum { STORM = 1000 };

/* Reported at the service routine that was called last: it saw the interrupt and left its device as it was.
 */
static _Noreturn void stop_storm(struct vp *vp)
{
    static char sentence[128];
    host_snprintf(
        sentence, sizeof(sentence),
        "interrupt storm: vector 0x%02x comes again as soon as it was served, and nothing else runs",
        vp->storm_vector);
    struct ke_bugcheck_info info = {
        .code = DPC_WATCHDOG_VIOLATION,
        .p = {1, 0, 0, 0},
        .sentence = sentence,
        .raise_address = (uintptr_t)vp->ke.isr,
        .stalled = true,
    };
    ke_bugcheck(&info);
}

bool bugcheck_calls_back(struct vp *vp)
{
    bool mine = claimed && claiming_vp == vp->ke.number && ke_thread() == happened.thread &&
                stage == CALLBACKS + 1 && vp_irql(vp) == HIGH_LEVEL;
    if (mine)
        vp_unpend(vp, PEND_STOP | PEND_WATCHDOG);
    return mine;
}

enum { TICKS_PER_SECOND = 64 };

/* A single DPC or ISR that took more than its ticks, or too many ticks at DISPATCH_LEVEL or above. */
static void describe_overrun(const struct vp *vp, struct ke_bugcheck_info *info)
{
    ULONG64 allotment = (ULONG64)ke_settings.watchdog_s * TICKS_PER_SECOND;
    bool single = vp->dpc_active || vp_irql(vp) > DISPATCH_LEVEL;
    /* DPC-09: a DPC, or who raised the IRQL and never lowers it. */
    info->code = DPC_WATCHDOG_VIOLATION;
    info->p[0] = single ? 0 : 1;
    info->p[1] = single ? allotment + 1 : allotment;
    info->p[2] = single ? allotment : 0;
}

void bugcheck_stop_here(struct vp *vp)
{
    if (__atomic_load_n(&ke_stopped, __ATOMIC_ACQUIRE)) {
        if (claimed && claiming_vp == vp->ke.number && stage < DONE) {
            vp_unpend(vp, PEND_STOP);
            finish_stages();
        }
        abandon_context();
    }
    if (vp->storm >= STORM)
        stop_storm(vp);
    struct ke_bugcheck_info info = {
        .code = THREAD_STUCK_IN_DEVICE_DRIVER,
        .p = {(uintptr_t)vp->ke.current},
        .raise_address = vp->interrupted_rip == 0 && vp_irql(vp) > DISPATCH_LEVEL ? (uintptr_t)vp->ke.isr
                                                                                  : vp->interrupted_rip,
        .stalled = true,
    };
    if (vp_irql(vp) >= DISPATCH_LEVEL)
        describe_overrun(vp, &info);
    ke_bugcheck(&info);
}

/* Where the driver called the runtime from, in which the thread waits; 0: no driver did. */
static ULONG64 waits_at(const struct ke_thread *thread)
{
    const struct arch_record *record = thread->arch.records;
    while (record != NULL && record->type != ARCH_RECORD_GATE)
        record = record->previous;
    return record != NULL ? record->rip : 0;
}

void bugcheck_stalled(const struct ke_thread *waiting)
{
    struct ke_bugcheck_info info = {
        .code = THREAD_STUCK_IN_DEVICE_DRIVER,
        .raise_address = waits_at(waiting),
        .irp = waiting->request.irp,
        .device = waiting->request.device,
        .sentence =
            "the machine can never go on: nothing is ready, and what the call waits for will never happen",
        .stalled = true,
    };
    ke_bugcheck(&info);
}

/* Stops the system with the code and its parameters. Never returns. IRQL: any. */
EXPORT(ntoskrnl, KeBugCheckEx, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_NORETURN)
VOID NTAPI KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2,
                        ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4)
{
    bugcheck_sentence(BugCheckCode, BugCheckParameter1, BugCheckParameter2, BugCheckParameter3,
                      BugCheckParameter4, "a driver called KeBugCheckEx");
}

EXPORT(ntoskrnl, KeBugCheck, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_NORETURN)
VOID NTAPI KeBugCheck(ULONG BugCheckCode)
{
    bugcheck_sentence(BugCheckCode, 0, 0, 0, 0, "a driver called KeBugCheck");
}
