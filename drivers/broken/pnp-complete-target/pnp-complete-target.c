/* SPDX-License-Identifier: MIT */
/* pnp-complete-target: a mistake on purpose. It completes a request for the PDO, which it is not. */
#define MISTAKE COMPLETE_TARGET
#include "../stack.h"
