/* SPDX-License-Identifier: MIT */
/*
 * wmi-own-status: a mistake on purpose. It sends a WMI request whose status is not
 * STATUS_NOT_SUPPORTED.
 */
#define MISTAKE OWN_WMI_STATUS
#include "../stack.h"
