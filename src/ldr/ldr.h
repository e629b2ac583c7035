/* SPDX-License-Identifier: MIT */
/*
 * PE images: read, check, map, relocate, rewrite, bind. A file is untrusted
 * input: nothing in it may crash us; a refusal is a status and one line.
 * The image list is guarded by an rl_lock; an image in it is complete.
 */
#ifndef LDR_H
#define LDR_H

#include "arch/arch.h"
#include "nt/pe.h"

enum ldr_result { LDR_OK, LDR_NOT_AN_IMAGE /* exit 2 */, LDR_CANNOT_LOAD /* exit 3 */ };

struct ldr_error {
    enum ldr_result result;
    char text[256]; /* one line without a newline */
};

/* A parsed file: no pages mapped, nothing trusted beyond what was checked. Borrows the bytes. */
struct ldr_file {
    const UCHAR *bytes;
    size_t length;
    IMAGE_NT_HEADERS64 headers;
    const IMAGE_SECTION_HEADER *sections;
    unsigned section_count;
};

bool ldr_parse(struct ldr_file *file, const void *bytes, size_t length, struct ldr_error *error);

struct ldr_import {
    const char *module;
    const char *name; /* NULL: by ordinal */
    ULONG ordinal;
    const struct export_entry *provided; /* NULL: missing, or from another driver */
    ULONG slot_rva;
};
/* Calls visit for each import; stops when it returns false. */
bool ldr_for_each_import(const struct ldr_file *file, bool (*visit)(const struct ldr_import *, void *),
                         void *context, struct ldr_error *error);

/* A loaded image. */
struct ldr_image {
    LIST_ENTRY link;
    struct arch_image arch;
    char name[264]; /* base name with extension, as given: "hello.sys" */
    void *base;
    size_t size; /* SizeOfImage */
    void *entry; /* address of the entry point, NULL if none */
    void *preferred_base;
    bool init_discarded;
    ULONG section_count;
    IMAGE_SECTION_HEADER *sections; /* copy */
    void *driver_object;            /* the DRIVER_OBJECT this image belongs to; set by io */
    void *loader_data;              /* DriverSection: an LDR_DATA_TABLE_ENTRY in pool-like memory */
    unsigned missing_imports;
    void *private_data;                            /* the loader's own */
    ULONG references;                              /* importing drivers */
    void (*unreferenced)(struct ldr_image *image); /* NULL; told when the last of them has gone */
};

struct ldr_load_options {
    const char *name;   /* base name of the file */
    const char *path;   /* where a debugger finds it; NULL: nowhere */
    bool checked_gates; /* every export through a checking gate (verifier, seed, trace), else only where
                           needed */
    bool deterministic; /* rdtsc, cpuid ... answer reproducibly */
    /* The image of another driver, with a reference for the caller. NULL: there is none; or *error is set. */
    struct ldr_image *(*find_export_driver)(const char *module, struct ldr_error *error);
};

struct ldr_image *ldr_load(const void *bytes, size_t length, const struct ldr_load_options *options,
                           struct ldr_error *error);
void ldr_discard_init(struct ldr_image *image); /* later touches are a reported fault */
void ldr_unload(
    struct ldr_image *image); /* stays mapped until the last driver that imports from it is unloaded */
void ldr_fini(void);          /* host side, before mm_fini: images that nobody unloaded go with the machine */
struct ldr_image *ldr_find(const void *address);   /* by image or thunk address */
struct ldr_image *ldr_find_name(const char *name); /* case-insensitive, with or without extension */
bool ldr_is_own_module(const char *module); /* one that the runtime plays: "ntoskrnl.exe", "HAL.dll" ... */
void ldr_for_each(void (*visit)(struct ldr_image *, void *), void *context);
void *ldr_export_of(struct ldr_image *image, const char *name); /* NULL: none */

/* The runtime's own exports. Modules: "ntoskrnl" also answers to ntoskrnl.exe, "hal" to hal.dll ... */
const struct export_entry *
ldr_find_export(const char *module, const char *name); /* module NULL: any (MmGetSystemRoutineAddress) */
/* The address a driver may call or read for an export, gate included. */
const void *ldr_bind_export(const struct export_entry *entry, bool checked);
extern bool ldr_checked_gates; /* how the images of this machine are bound */

/* "driver.sys!Symbol+0x12 (file.c:34)", or "driver.sys+.text+0x12"; always terminates; returns length.
 * NT-stack safe. */
int ldr_describe(const void *address, char *text, size_t size);

#endif
