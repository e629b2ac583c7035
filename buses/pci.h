/* SPDX-License-Identifier: MIT */
/* The PCI bus for the layers above: its driver, and when to look at the bus again. */
#ifndef BUSES_PCI_H
#define BUSES_PCI_H

#include "nt/nt.h"

NTSTATUS pci_bus_init(void); /* behind pnp_init: the driver, and what finds it for the bus's device */
/*
 * After models came or went: a device for the bus if there is none yet, or the PnP manager is told to ask it
 * who is there; returns when what is new was started. PASSIVE_LEVEL, in NT context.
 */
NTSTATUS pci_bus_look(void);
/* Whether that is needed: something came or went since the last look. Any context. */
bool pci_bus_has_changed(void);

#endif
