/* SPDX-License-Identifier: MIT */
/* The storage driver's name, for the one that stacks itself on it. */
#ifndef SHUTDOWN_TEST_H
#define SHUTDOWN_TEST_H

#include "../rltest.h"

#define STORAGE_NAME L"\\Device\\ShutdownStorage"

#endif
