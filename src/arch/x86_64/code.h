/* SPDX-License-Identifier: MIT */
/*
 * Memory for generated code: pages of HMEM_IMAGE that are executable and never
 * writable; bytes are put there through the pages' writable alias.
 */
#ifndef ARCH_CODE_H
#define ARCH_CODE_H

#include "base/base.h"

/* Copies the bytes into executable memory, 16-byte aligned; NULL when there is none. The caller serializes.
 */
const void *code_write(const void *bytes, size_t length);
bool code_contains(uint64_t address);
void code_fini(void);
/* The slots in which single instructions of drivers run (rewrite_native.c), and where one that traps goes on.
 */
bool native_contains(uint64_t address);
void native_failed(void);
void native_fini(void);
void gate_fini(void);
void missing_imports_fini(void);

#endif
