/* SPDX-License-Identifier: MIT */
/*
 * power-own-status: a mistake on purpose. It sends a power request whose status is not
 * STATUS_NOT_SUPPORTED.
 */
#define MISTAKE OWN_POWER_STATUS
#include "../stack.h"
