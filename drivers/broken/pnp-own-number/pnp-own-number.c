/* SPDX-License-Identifier: MIT */
/* pnp-own-number: a mistake on purpose. It asks for capabilities that have a UINumber already. */
#define MISTAKE OWN_NUMBER
#include "../stack.h"
