/* SPDX-License-Identifier: MIT */
/* pnp-fail-remove: a mistake on purpose. It fails IRP_MN_REMOVE_DEVICE. */
#define MISTAKE FAIL_REMOVE
#include "../stack.h"
