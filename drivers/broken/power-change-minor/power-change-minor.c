/* SPDX-License-Identifier: MIT */
/* power-change-minor: a mistake on purpose. It passes a power request on with another minor code. */
#define MISTAKE POWER_CHANGE_MINOR
#include "../stack.h"
