/* SPDX-License-Identifier: MIT */
/* pnp-complete-untouched: a mistake on purpose. It completes a request that nobody has answered. */
#define MISTAKE COMPLETE_UNTOUCHED
#include "../stack.h"
