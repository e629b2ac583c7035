/* SPDX-License-Identifier: MIT */
/* pnp-answer-for-bus: a mistake on purpose. It answers what only the bus driver knows. */
#define MISTAKE ANSWER_FOR_BUS
#include "../stack.h"
