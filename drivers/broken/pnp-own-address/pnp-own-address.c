/* SPDX-License-Identifier: MIT */
/* pnp-own-address: a mistake on purpose. It asks for capabilities that have an Address already. */
#define MISTAKE OWN_ADDRESS
#include "../stack.h"
