/* SPDX-License-Identifier: MIT */
/*
 * At which IRQL a routine may be called: the range comes from its declaration,
 * the code from the DDI compliance rule that covers it, else from the bug
 * check's own list, else it is the general one (0xE5; 0xE6 for Zw routines).
 */
#include <string.h>
#include "vf/rules.h"
#include "vf/irql_rules.h"
#include "host/host.h"
#include "nt/bugcodes.h"

#define KIND_WRONG_IRQL    0xE5
#define KIND_WRONG_ZW_IRQL 0xE6

void vf_find(struct vf_finding *f, ULONG code, ULONG64 p1, ULONG64 p2, ULONG64 p3, ULONG64 p4,
             const char *format, ...)
{
    va_list arguments;
    *f = (struct vf_finding){.code = code, .p = {p1, p2, p3, p4}};
    va_start(arguments, format);
    host_vsnprintf(f->sentence, sizeof(f->sentence), format, arguments);
    va_end(arguments);
}

const struct vf_irql_rule *vf_irql_rule_of(const char *routine)
{
    unsigned low = 0, high = vf_irql_rule_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int order = strcmp(vf_irql_rules[middle].routine, routine);
        if (order == 0)
            return &vf_irql_rules[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Where bug check 0xC4 or 0xC9 has a kind of its own. */
static const struct {
    const char *routine;
    ULONG code, kind;
} own_kinds[] = {
    {"IofCallDriver", DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x10},
    {"IoCallDriver", DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x10},
    {"IofCompleteRequest", DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x0E},
    {"IoCompleteRequest", DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x0E},
    {"ExAllocatePool", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x02},
    {"ExAllocatePool2", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x02},
    {"ExAllocatePool3", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x02},
    {"ExAllocatePoolWithQuota", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x02},
    {"ExAllocatePoolWithQuotaTag", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x02},
    {"KeWaitForSingleObject", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x120},
    {"KeWaitForMutexObject", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x120},
    {"KeWaitForMultipleObjects", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x120},
    {"ExReleaseFastMutex", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x34},
    {"ExAcquireFastMutexUnsafe", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x39},
    {"ExReleaseFastMutexUnsafe", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x3A},
    {"KeAcquireSpinLockAtDpcLevel", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x40},
    {"KeReleaseSpinLockFromDpcLevel", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x41},
    {"KefAcquireSpinLockAtDpcLevel", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x40},
    {"KefReleaseSpinLockFromDpcLevel", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x41},
    {"MmProbeAndLockPages", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x70},
    {"MmProbeAndLockProcessPages", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x71},
    {"MmProbeAndLockSelectedPages", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x72},
    {"MmMapIoSpace", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x73},
    {"MmMapLockedPages", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x74},
    {"MmMapLockedPagesSpecifyCache", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x76},
    {"MmUnlockPages", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x78},
    {"MmUnmapLockedPages", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x79},
    {"MmUnmapIoSpace", DRIVER_VERIFIER_DETECTED_VIOLATION, 0x7B},
};

static void add_range(struct vf_text *text, const struct export_entry *x)
{
    const char *low = vf_irql_name(x->min_irql), *high = vf_irql_name(x->max_irql);
    if (x->min_irql == x->max_irql)
        vf_text_add(text, "at %s only", low);
    else if (x->min_irql == PASSIVE_LEVEL)
        vf_text_add(text, "at %s and below", high);
    else if (x->max_irql == HIGH_LEVEL)
        vf_text_add(text, "at %s and above", low);
    else
        vf_text_add(text, "from %s to IRQL %u", low, x->max_irql);
}

static void say(const struct vf_call *call, const struct vf_irql_rule *rule, struct vf_finding *f)
{
    const struct export_entry *x = call->export;
    struct vf_text text;
    vf_text_init(&text, f->sentence, sizeof(f->sentence));
    vf_text_add(&text, "%s was called at IRQL %u (%s); it may be called ", x->name, call->irql,
                vf_irql_name(call->irql));
    add_range(&text, x);
    if (rule)
        vf_text_add(&text, " (rule %s)", rule->rule);
}

static void find_own_kind(const struct vf_call *call, struct vf_finding *f)
{
    const char *name = call->export->name;
    for (unsigned i = 0; i < countof(own_kinds); i++) {
        if (strcmp(own_kinds[i].routine, name) == 0) {
            vf_find(f, own_kinds[i].code, own_kinds[i].kind, call->irql, call->arguments[0],
                    call->arguments[1], "%s", "");
            return;
        }
    }
    if (name[0] == 'Z' && name[1] == 'w')
        vf_find(f, DRIVER_VERIFIER_DETECTED_VIOLATION, KIND_WRONG_ZW_IRQL, call->caller, call->irql,
                (ULONG64)(LONG64)call->special_apc_disable, "%s", "");
    else
        vf_find(f, DRIVER_VERIFIER_DETECTED_VIOLATION, KIND_WRONG_IRQL, call->irql, call->caller, 0, "%s",
                "");
}

bool vf_check_irql(const struct vf_call *call, struct vf_finding *f)
{
    const struct export_entry *x = call->export;
    /* SQ-07: from the routine's declaration. */
    if (call->irql >= x->min_irql && call->irql <= x->max_irql)
        return false;
    const struct vf_irql_rule *rule = vf_irql_rule_of(x->name);
    if (rule)
        vf_find(f, DRIVER_VERIFIER_DETECTED_VIOLATION, rule->code, call->caller, call->irql, 0, "%s", "");
    else
        find_own_kind(call, f);
    say(call, rule, f);
    return true;
}

bool vf_check_irql_kept(const struct vf_call *call, KIRQL after, struct vf_finding *f)
{
    if (after == call->irql || call->export->flags & X_RAISES_IRQL)
        return false;
    vf_find(f, IRQL_UNEXPECTED_VALUE, (ULONG64)after << 16 | (ULONG64)call->irql << 8 | 2, 0, 0, 0,
            "%s was called at IRQL %u (%s) and returned at IRQL %u (%s)", call->export->name, call->irql,
            vf_irql_name(call->irql), after, vf_irql_name(after));
    return true;
}
