/* SPDX-License-Identifier: MIT */
/* pdo-deleted: a mistake on purpose. A PDO is deleted although its bus lists it. */
#define MISTAKE PDO_DELETED
#include "../stack.h"
