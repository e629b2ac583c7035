/* SPDX-License-Identifier: MIT */
/*
 * pnp-own-status: a mistake on purpose. It sends a Plug and Play request whose status is not
 * STATUS_NOT_SUPPORTED.
 */
#define MISTAKE OWN_PNP_STATUS
#include "../stack.h"
