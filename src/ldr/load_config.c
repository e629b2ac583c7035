/* SPDX-License-Identifier: MIT */
/*
 * What the load configuration asks of the loader: a random security cookie
 * where the linker left the default, and functions behind the pointers that
 * control-flow-guard code calls through.
 */
#include "ldr/image.h"

#define DEFAULT_COOKIE 0x00002B992DDFA232ull

/* A check: the target in rcx is not looked at, every register is kept. */
__attribute__((naked)) static void guard_check(void)
{
    __asm__("ret");
}

/* A dispatch: the target is in rax, its arguments where the caller put them. */
__attribute__((naked)) static void guard_dispatch(void)
{
    __asm__("jmp *%rax");
}

/* The place in the image of an eight-byte variable that the load configuration names; NULL if it lies
 * outside. */
static void *variable_at(const struct ldr_image *image, const struct ldr_file *file, ULONGLONG va)
{
    ULONGLONG rva = va - file->headers.OptionalHeader.ImageBase;

    if (va == 0 || rva > image->size || image->size - rva < sizeof(ULONGLONG))
        return NULL;
    return ldr_file_section(file, rva) != NULL ? (char *)image->base + rva : NULL;
}

static void seed_cookie(const struct ldr_image *image, const struct ldr_file *file, ULONGLONG va)
{
    void *at = variable_at(image, file, va);
    ULONGLONG cookie;

    if (at == NULL)
        return;
    __builtin_memcpy(&cookie, at, sizeof(cookie));
    if (cookie != DEFAULT_COOKIE)
        return;
    do
        cookie = host_random() & 0x0000FFFFFFFFFFFFull; /* as Windows: the top two bytes stay clear */
    while (cookie == 0 || cookie == DEFAULT_COOKIE);
    __builtin_memcpy(at, &cookie, sizeof(cookie));
}

static void set_pointer(const struct ldr_image *image, const struct ldr_file *file, ULONGLONG va,
                        void (*function)(void))
{
    void *at = variable_at(image, file, va);

    if (at != NULL)
        __builtin_memcpy(at, &function, sizeof(function));
}

bool ldr_apply_load_config(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error)
{
    IMAGE_LOAD_CONFIG_DIRECTORY64 config;

    if (!ldr_file_load_config(file, &config, error))
        return error->result == LDR_OK;
    seed_cookie(image, file, config.SecurityCookie);
    if (!(config.GuardFlags & IMAGE_GUARD_CF_INSTRUMENTED))
        return true;
    set_pointer(image, file, config.GuardCFCheckFunctionPointer, guard_check);
    set_pointer(image, file, config.GuardCFDispatchFunctionPointer, guard_dispatch);
    if (!(config.GuardFlags & IMAGE_GUARD_XFG_ENABLED))
        return true;
    set_pointer(image, file, config.GuardXFGCheckFunctionPointer, guard_check);
    set_pointer(image, file, config.GuardXFGDispatchFunctionPointer, guard_dispatch);
    set_pointer(image, file, config.GuardXFGTableDispatchFunctionPointer, guard_dispatch);
    return true;
}
