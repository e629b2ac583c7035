/* SPDX-License-Identifier: MIT */
/* power-complete-unknown: a mistake on purpose. It completes a power request that it does not know. */
#define MISTAKE POWER_COMPLETE_UNKNOWN
#include "../stack.h"
