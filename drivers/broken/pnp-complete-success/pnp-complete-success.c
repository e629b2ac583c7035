/* SPDX-License-Identifier: MIT */
/*
 * pnp-complete-success: a mistake on purpose. It completes a request as successful instead of passing
 * it on.
 */
#define MISTAKE COMPLETE_SUCCESS
#include "../stack.h"
