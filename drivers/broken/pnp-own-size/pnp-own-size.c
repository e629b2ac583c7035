/* SPDX-License-Identifier: MIT */
/* pnp-own-size: a mistake on purpose. It asks for capabilities of a wrong Size. */
#define MISTAKE OWN_SIZE
#include "../stack.h"
