/* SPDX-License-Identifier: MIT */
/*
 * power-complete-untouched: a mistake on purpose. It completes a power request that nobody has
 * answered.
 */
#define MISTAKE POWER_COMPLETE_UNTOUCHED
#include "../stack.h"
