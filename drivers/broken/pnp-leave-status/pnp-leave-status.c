/* SPDX-License-Identifier: MIT */
/* pnp-leave-status: a mistake on purpose. It leaves the status of a request that it has to handle. */
#define MISTAKE LEAVE_STATUS
#include "../stack.h"
