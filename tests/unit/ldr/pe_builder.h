/* SPDX-License-Identifier: MIT */
/*
 * Builds a PE image in memory, section by section, for the loader's tests:
 * every byte is the test's own, so every malformation is one assignment.
 */
#ifndef PE_BUILDER_H
#define PE_BUILDER_H

#include "nt/pe.h"

#define PE_BASE  0x140000000ull
#define PE_CODE  (IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_READ)
#define PE_RDATA (IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ)
#define PE_DATA  (PE_RDATA | IMAGE_SCN_MEM_WRITE)

struct pe_builder {
    UCHAR bytes[0x10000];
    size_t length;
    IMAGE_NT_HEADERS64 *nt;
    ULONG next_rva;
};

void pe_begin(struct pe_builder *pe);
/* Adds a section; returns its RVA. data may be NULL (zeros). */
ULONG pe_section(struct pe_builder *pe, const char *name, ULONG characteristics, const void *data,
                 ULONG length);
/* The file's bytes at an RVA, to write to. */
void *pe_at(struct pe_builder *pe, ULONG rva);
IMAGE_SECTION_HEADER *pe_header(struct pe_builder *pe, unsigned index);
void pe_directory(struct pe_builder *pe, unsigned index, ULONG rva, ULONG size);
/* Adds .idata with one module; names ends with NULL, "#7" is ordinal 7. Returns the RVA of the first slot. */
ULONG pe_imports(struct pe_builder *pe, const char *module, const char *const *names);
/* Adds .edata; names ends with NULL and must be sorted. */
void pe_exports(struct pe_builder *pe, const char *module, const char *const *names, const ULONG *rvas);
/* Adds .reloc with DIR64 fixups inside the page of rvas[0]. */
void pe_fixups(struct pe_builder *pe, const ULONG *rvas, unsigned count);
/* Adds .pdata and .xdata: functions without prologue. */
void pe_functions(struct pe_builder *pe, const ULONG (*ranges)[2], unsigned count);

#endif
