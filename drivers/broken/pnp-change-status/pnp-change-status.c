/* SPDX-License-Identifier: MIT */
/* pnp-change-status: a mistake on purpose. It passes on what it does not know and changes its status. */
#define MISTAKE CHANGE_UNKNOWN_STATUS
#include "../stack.h"
