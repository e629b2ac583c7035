/* SPDX-License-Identifier: MIT */
/*
 * The power management capability: states D0 and D3hot. A function in D3hot
 * answers configuration accesses only; on its way back to D0 it keeps its
 * state or loses it (No_Soft_Reset), as its description says.
 */
#include "models/pci_internal.h"
#include "host/host.h"

#define VERSION_1_2   3
#define STATE_MASK    3
#define NO_SOFT_RESET 0x08
#define CONTROL       4 /* from the capability's begin */

bool pci_power_init(struct pci_function *function, char *message, size_t size)
{
    UCHAR bytes[8] = {[0] = CAPABILITY_POWER,
                      [2] = VERSION_1_2,
                      [CONTROL] = function->loses_state_in_d3 ? 0 : NO_SOFT_RESET};
    UCHAR writable[8] = {[CONTROL] = STATE_MASK};

    if (!function->power_management)
        return true;
    function->power_at = pci_capability(function, bytes, writable, sizeof(bytes));
    if (function->power_at == 0)
        host_snprintf(message, size, "there is no room for power management");
    return function->power_at != 0;
}

unsigned pci_power_state(const struct pci_function *function)
{
    return function->power_at == 0 ? 0 : function->config[function->power_at + CONTROL] & STATE_MASK;
}
