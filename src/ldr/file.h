/* SPDX-License-Identifier: MIT */
/*
 * Reading a PE file that nobody vouches for. Every access goes through
 * ldr_file_at, which answers NULL for bytes that the file does not have;
 * offsets are added in 64 bits, so nothing wraps.
 */
#ifndef LDR_FILE_H
#define LDR_FILE_H

#include "ldr/dwarf_line.h"
#include "ldr/ldr.h"
#include "host/host.h"

#define LDR_MAX_IMPORTS 65536u
#define LDR_MAX_NAME    512u /* longest import or export name accepted */

/* Writes the error and is false, so that a check is one line. */
#define ldr_fail(error_, result_, ...)                                                                       \
    ((error_)->result = (result_), (void)host_snprintf((error_)->text, sizeof((error_)->text), __VA_ARGS__), \
     false)

/* The file's bytes for [rva, rva + length), or NULL if they are not all in one section's raw data or in the
 * headers. */
const void *ldr_file_at(const struct ldr_file *file, uint64_t rva, uint64_t length);
/* A NUL-terminated string at rva of at most LDR_MAX_NAME bytes, without control characters; NULL if there is
 * none. */
const char *ldr_file_string(const struct ldr_file *file, uint64_t rva);
/* The section that maps rva, or NULL. */
const IMAGE_SECTION_HEADER *ldr_file_section(const struct ldr_file *file, uint64_t rva);
/* How many bytes of the image a section occupies: VirtualSize, or SizeOfRawData where that is 0. */
ULONG ldr_section_bytes(const IMAGE_SECTION_HEADER *section);
ULONG ldr_image_pages(const struct ldr_file *file);

/* A section's name, terminated and printable. */
struct ldr_section_name {
    char text[IMAGE_SIZEOF_SHORT_NAME + 1];
};
struct ldr_section_name ldr_section_name(const IMAGE_SECTION_HEADER *section);

/* A directory's bytes; *size is 0 if it is absent. False: it is out of bounds (error written). */
bool ldr_file_directory(const struct ldr_file *file, unsigned index, const void **data, ULONG *size,
                        struct ldr_error *error);

/* Calls visit(rva, type) for each fixup; false: malformed (error written) or visit returned false. */
typedef bool ldr_fixup_visit(ULONG rva, unsigned type, void *context);
bool ldr_for_each_fixup(const struct ldr_file *file, ldr_fixup_visit *visit, void *context,
                        struct ldr_error *error);

/* Calls visit for each named export: rva of the target, or the forwarder's text. */
struct ldr_file_export {
    const char *name;
    const char *forwarder; /* NULL: rva is the target */
    ULONG rva;
};
typedef bool ldr_export_visit(const struct ldr_file_export *item, void *context);
bool ldr_for_each_export(const struct ldr_file *file, ldr_export_visit *visit, void *context,
                         struct ldr_error *error);

/* Calls visit for each COFF symbol that names code or data; name is not terminated beyond length. */
typedef bool ldr_symbol_visit(const char *name, size_t length, ULONG rva, bool function, void *context);
void ldr_for_each_symbol(const struct ldr_file *file, ldr_symbol_visit *visit, void *context);

/* Where the DWARF line table is; false: there is none. */
bool ldr_file_dwarf(const struct ldr_file *file, struct dwarf_sections *sections);

/* The exception directory, checked: ranges inside the image, unwind data inside the file. */
bool ldr_file_functions(const struct ldr_file *file, const RUNTIME_FUNCTION **functions, ULONG *count,
                        struct ldr_error *error);

/* The load configuration, zero-extended to the whole structure; false: absent or malformed (see
 * error->result). */
bool ldr_file_load_config(const struct ldr_file *file, IMAGE_LOAD_CONFIG_DIRECTORY64 *config,
                          struct ldr_error *error);

/* Each directory checked in full; called by ldr_parse. */
bool ldr_check_imports(const struct ldr_file *file, struct ldr_error *error);

#endif
