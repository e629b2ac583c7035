/* SPDX-License-Identifier: MIT */
/*
 * power-complete-success: a mistake on purpose. It completes a power request as successful instead of
 * passing it on.
 */
#define MISTAKE POWER_COMPLETE_SUCCESS
#include "../stack.h"
