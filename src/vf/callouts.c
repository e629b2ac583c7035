/* SPDX-License-Identifier: MIT */
/*
 * What a driver routine must have put right when it returns: the IRQL, spin
 * locks, the interrupt flag, critical and guarded regions. The code depends on
 * the kind of routine, as the bug check reference has it.
 */
#include <string.h>
#include "vf/rules.h"
#include "nt/bugcodes.h"

#define C4 DRIVER_VERIFIER_DETECTED_VIOLATION
#define C9 DRIVER_VERIFIER_IOMANAGER_VIOLATION

enum order { ROUTINE_BEFORE_AFTER, ROUTINE_AFTER_BEFORE, WORK_ITEM, UNEXPECTED };

struct role_codes {
    const char *role, *words;
    ULONG irql_code, irql_kind;
    enum order irql_order;
    ULONG apc_code, apc_kind; /* 0: the rules CriticalRegions and GuardedRegions */
    enum order apc_order;
    ULONG interrupts_kind;
};

static const struct role_codes roles[] = {
    {"dispatch", "the dispatch routine", C9, 0x12, ROUTINE_BEFORE_AFTER, C4, 0xC5, ROUTINE_AFTER_BEFORE,
     0xC1},
    {"fast I/O", "the fast I/O routine", C9, 0x11, ROUTINE_BEFORE_AFTER, C4, 0xC6, ROUTINE_AFTER_BEFORE,
     0xC3},
    {"completion", "the completion routine", C4, 0xFA, ROUTINE_BEFORE_AFTER, C4, 0xFB, ROUTINE_AFTER_BEFORE,
     0xC1},
    {"ISR", "the interrupt service routine", C4, 0x111, ROUTINE_BEFORE_AFTER, 0, 0, 0, 0xC1},
    {"DPC", "the DPC routine", 0, 0, UNEXPECTED, TIMER_OR_DPC_INVALID, 0x4, ROUTINE_BEFORE_AFTER, 0xC1},
    {"work item", "the work item's routine", WORKER_THREAD_RETURNED_AT_BAD_IRQL, 0, WORK_ITEM,
     APC_INDEX_MISMATCH, 0, WORK_ITEM, 0xC1},
    {"cancel", "the cancel routine", 0, 0, UNEXPECTED, 0, 0, 0, 0xC1},
    {"StartIo", "the StartIo routine", 0, 0, UNEXPECTED, 0, 0, 0, 0xC1},
    {"IoTimer", "the IoTimer routine", 0, 0, UNEXPECTED, 0, 0, 0, 0xC1},
    {"DriverEntry", "the initialization routine", 0, 0, UNEXPECTED, 0, 0, 0, 0xC1},
    {"Reinitialize", "the Reinitialize routine", 0, 0, UNEXPECTED, 0, 0, 0, 0xC1},
    {"Unload", "the Unload routine", 0, 0, UNEXPECTED, 0, 0, 0, 0xC1},
    {"system thread", "the thread's start routine", 0, 0, UNEXPECTED, 0, 0, 0, 0xC1},
    {"PnP notification", "the PnP notification callback", PNP_DETECTED_FATAL_ERROR, 0xA, ROUTINE_BEFORE_AFTER,
     PNP_DETECTED_FATAL_ERROR, 0xA, ROUTINE_BEFORE_AFTER, 0xC1},
};
static const struct role_codes any_role = {NULL, NULL, 0, 0, UNEXPECTED, 0, 0, 0, 0xC1};

static const struct role_codes *codes_of(const char *role)
{
    for (unsigned i = 0; i < countof(roles); i++)
        if (strcmp(roles[i].role, role) == 0)
            return &roles[i];
    return &any_role;
}

/* "the dispatch routine hello.sys!HelloRead" */
static void add_who(struct vf_text *text, const char *role, ULONG64 routine)
{
    const struct role_codes *codes = codes_of(role);
    char words[VF_DESCRIPTION];
    vf_describe(routine, words, sizeof(words));
    if (codes->words)
        vf_text_add(text, "%s %s", codes->words, words);
    else
        vf_text_add(text, "%s (%s)", words, role);
}

static void find_at(struct vf_finding *f, ULONG64 routine, ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3,
                    ULONG64 p4, const char *who, const char *what)
{
    vf_find(f, code, p1, p2, p3, p4, "%s %s", who, what);
    f->blame = routine;
}

static void find_lock(struct vf_finding *f, const char *who, ULONG64 routine, const struct vf_locks *locks)
{
    const struct vf_lock *held = &locks->held[MIN(locks->count, VF_LOCKS) - 1];
    char where[VF_DESCRIPTION], what[VF_DESCRIPTION + 80];
    struct vf_text text;
    vf_describe(held->caller, where, sizeof(where));
    vf_text_init(&text, what, sizeof(what));
    vf_text_add(&text, "returned without releasing %s that was acquired at %s",
                held->lock == VF_CANCEL_LOCK ? "the cancel spin lock" : "a spin lock", where);
    find_at(f, routine, C4, held->queued ? 0x40006 : 0x40009, held->caller, held->lock, routine, who, what);
}

static void find_irql(struct vf_finding *f, const char *role, const char *who, ULONG64 routine, KIRQL before,
                      KIRQL after)
{
    const struct role_codes *codes = codes_of(role);
    char what[120];
    struct vf_text text;
    vf_text_init(&text, what, sizeof(what));
    vf_text_add(&text, "was called at IRQL %u (%s) and returned at IRQL %u (%s)", before,
                vf_irql_name(before), after, vf_irql_name(after));
    if (codes->irql_order == UNEXPECTED)
        find_at(f, routine, IRQL_UNEXPECTED_VALUE, (ULONG64)after << 16 | (ULONG64)before << 8 | 2, 0, 0, 0,
                who, what);
    else if (codes->irql_order == WORK_ITEM)
        find_at(f, routine, codes->irql_code, routine, after, 0, 0, who, what);
    else
        find_at(f, routine, codes->irql_code, codes->irql_kind, routine, before, after, who, what);
}

static void find_apcs(struct vf_finding *f, const char *role, const char *who, ULONG64 routine,
                      const struct vf_state *before, const struct vf_state *after)
{
    const struct role_codes *codes = codes_of(role);
    bool guarded = before->special_apc_disable != after->special_apc_disable;
    SHORT was = guarded ? before->special_apc_disable : before->kernel_apc_disable;
    SHORT is = guarded ? after->special_apc_disable : after->kernel_apc_disable;
    char what[140];
    struct vf_text text;
    vf_text_init(&text, what, sizeof(what));
    vf_text_add(&text,
                is < was ? "returned inside a %s region that it entered (APC-disable count %d, before %d)"
                         : "left a %s region that it had not entered (APC-disable count %d, before %d)",
                guarded ? "guarded" : "critical", is, was);
    ULONG64 old = (ULONG64)(LONG64)was, new = (ULONG64)(LONG64)is;
    if (codes->apc_code == 0)
        find_at(f, routine, C4, guarded ? 0x4000E : 0x40003, routine, new, old, who, what);
    else if (codes->apc_order == WORK_ITEM)
        find_at(f, routine, codes->apc_code, routine, 0,
                (ULONG64)(USHORT)after->special_apc_disable << 16 | (USHORT)after->kernel_apc_disable, 1, who,
                what);
    else
        find_at(f, routine, codes->apc_code, codes->apc_kind, routine,
                codes->apc_order == ROUTINE_BEFORE_AFTER ? old : new,
                codes->apc_order == ROUTINE_BEFORE_AFTER ? new : old, who, what);
}

bool vf_check_callout(const char *role, ULONG64 routine, const struct vf_state *before,
                      const struct vf_state *after, const struct vf_locks *locks, struct vf_finding *f)
{
    char who[VF_DESCRIPTION + 40];
    struct vf_text text;
    vf_text_init(&text, who, sizeof(who));
    add_who(&text, role, routine);
    if (after->locks_held > before->locks_held && locks->count != 0)
        find_lock(f, who, routine, locks);
    else if (after->irql != before->irql && strcmp(role, "cancel") != 0) /* the I/O manager says so */
        find_irql(f, role, who, routine, before->irql, after->irql);
    else if (before->interrupts && !after->interrupts)
        find_at(f, routine, C4, codes_of(role)->interrupts_kind, routine, 0, 0, who,
                "returned with interrupts disabled");
    else if (before->kernel_apc_disable != after->kernel_apc_disable ||
             before->special_apc_disable != after->special_apc_disable)
        find_apcs(f, role, who, routine, before, after);
    else
        return false;
    return true;
}
