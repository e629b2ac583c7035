/* SPDX-License-Identifier: MIT */
/*
 * power-turn-back: a mistake on purpose. It turns the status of a power request back into
 * STATUS_NOT_SUPPORTED.
 */
#define MISTAKE POWER_TURN_BACK
#include "../stack.h"
