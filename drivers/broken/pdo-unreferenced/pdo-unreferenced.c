/* SPDX-License-Identifier: MIT */
/* pdo-unreferenced: a mistake on purpose. A PDO answers TargetDeviceRelation without a reference. */
#define MISTAKE PDO_UNREFERENCED
#include "../stack.h"
