/* SPDX-License-Identifier: MIT */
/* pdo-target: a mistake on purpose. A PDO answers TargetDeviceRelation without itself. */
#define MISTAKE PDO_TARGET
#include "../stack.h"
