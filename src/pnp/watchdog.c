/* SPDX-License-Identifier: MIT */
/*
 * The PnP watchdog: a timer that runs while a driver has an operation of the
 * PnP manager. Drivers may pend PnP IRPs, but not for ever: everything else
 * that PnP does waits behind them. When the time is over the machine stops
 * with bug check 0x1D5.
 */
#include "pnp/watchdog.h"

#define LIMIT_MS 300000

/* What the second parameter of the bug check points to. */
struct triage {
    struct pnp_node *node;
    PIRP irp;
};

static void NTAPI expired(PKDPC dpc, PVOID context, PVOID unused1, PVOID unused2)
{
    struct pnp_watchdog *watchdog = context;
    static struct triage triage;
    char sentence[200];
    ULONG64 service = 0;
    const struct pnp_node *node = watchdog->node;
    if (node && node->service)
        for (unsigned i = 0; i < sizeof(service) && node->service[i]; i++)
            ((char *)&service)[i] = (char)node->service[i];
    triage = (struct triage){watchdog->node, watchdog->irp};
    host_snprintf(sentence, sizeof(sentence), "a driver has not finished %s within %u s", watchdog->what,
                  LIMIT_MS / 1000);
    struct ke_bugcheck_info info = {
        .code = DRIVER_PNP_WATCHDOG,
        .p = {service, (ULONG_PTR)&triage, (ULONG_PTR)watchdog->thread, LIMIT_MS},
        .sentence = sentence,
        .irp = watchdog->irp,
        .device = watchdog->device,
    };
    /* PH-26: nothing of PnP goes on any more. */
    ke_bugcheck(&info);
}

/* Rules: PH-26. */
void pnp_watchdog_begin(struct pnp_watchdog *watchdog, struct pnp_node *node, PDEVICE_OBJECT device, PIRP irp,
                        const char *what)
{
    LARGE_INTEGER due = {.QuadPart = -(LONG64)LIMIT_MS * 10000};
    watchdog->node = node;
    watchdog->device = device;
    watchdog->irp = irp;
    watchdog->what = what;
    watchdog->thread = ps_current();
    KeInitializeTimer(&watchdog->timer);
    KeInitializeDpc(&watchdog->dpc, expired, watchdog);
    /* PH-26: from the beginning of each operation. */
    KeSetTimer(&watchdog->timer, due, &watchdog->dpc);
}

void pnp_watchdog_end(struct pnp_watchdog *watchdog)
{
    if (!KeCancelTimer(&watchdog->timer))
        KeFlushQueuedDpcs(); /* it is just about to end the machine */
}
