/* SPDX-License-Identifier: MIT */
/* The PnP watchdog (watchdog.c): around each call that gives a driver something of PnP to do. */
#ifndef PNP_WATCHDOG_H
#define PNP_WATCHDOG_H

#include "pnp/private.h"

/* Lies on the stack of who waits for the driver. */
struct pnp_watchdog {
    KTIMER timer;
    KDPC dpc;
    struct pnp_node *node; /* NULL: not known */
    PDEVICE_OBJECT device;
    PIRP irp; /* NULL: it is no request */
    const char *what;
    struct ps_thread *thread;
};
void pnp_watchdog_begin(struct pnp_watchdog *watchdog, struct pnp_node *node, PDEVICE_OBJECT device, PIRP irp,
                        const char *what);
void pnp_watchdog_end(struct pnp_watchdog *watchdog);

#endif
