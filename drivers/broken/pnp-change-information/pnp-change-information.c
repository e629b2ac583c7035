/* SPDX-License-Identifier: MIT */
/*
 * pnp-change-information: a mistake on purpose. It passes on what it does not know and changes its
 * Information.
 */
#define MISTAKE CHANGE_UNKNOWN_INFORMATION
#include "../stack.h"
