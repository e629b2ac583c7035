/* SPDX-License-Identifier: MIT */
/* pnp-fail-stop: a mistake on purpose. It fails IRP_MN_STOP_DEVICE. */
#define MISTAKE FAIL_STOP
#include "../stack.h"
