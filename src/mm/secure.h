/* SPDX-License-Identifier: MIT */
/* Ranges that MmSecureVirtualMemory protects from being freed or made less accessible. */
#ifndef SECURE_H
#define SECURE_H

#include "mm/mm.h"

/* Would giving the range this protection (HMEM_NONE: freeing it) take away what somebody has secured? */
bool mm_secured_against(const void *base, size_t bytes, enum hmem_protection protection);
void mm_secure_fini(void);

#endif
