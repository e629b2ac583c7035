/* SPDX-License-Identifier: MIT */
/* pnp-own-version: a mistake on purpose. It asks for capabilities of no known Version. */
#define MISTAKE OWN_VERSION
#include "../stack.h"
