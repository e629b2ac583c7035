/* SPDX-License-Identifier: MIT */
/*
 * pnp-turn-back: a mistake on purpose. It turns the status that the driver above has set back into
 * STATUS_NOT_SUPPORTED.
 */
#define MISTAKE TURN_BACK
#include "../stack.h"
