/* SPDX-License-Identifier: MIT */
/* pdo-unanswered: a mistake on purpose. A PDO does not answer what it has to. */
#define MISTAKE PDO_UNANSWERED
#include "../stack.h"
