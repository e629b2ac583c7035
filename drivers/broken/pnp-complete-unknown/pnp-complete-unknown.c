/* SPDX-License-Identifier: MIT */
/* pnp-complete-unknown: a mistake on purpose. It completes a request that it does not know. */
#define MISTAKE COMPLETE_UNKNOWN
#include "../stack.h"
