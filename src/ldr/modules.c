/* SPDX-License-Identifier: MIT */
/*
 * PsLoadedModuleList, as drivers read it: one KLDR_DATA_TABLE_ENTRY an image,
 * in load order. Drivers walk it without our lock, so an entry is complete
 * before it is linked.
 */
#include "ldr/image.h"
#include "base/lock.h"
#include "nt/ldr.h"

EXPORT_DATA(ntoskrnl, PsLoadedModuleList)
LIST_ENTRY PsLoadedModuleList = {&PsLoadedModuleList, &PsLoadedModuleList};

static rl_lock modules_lock;

static bool make_name(struct arena *arena, const char *prefix, const char *name, UNICODE_STRING *string)
{
    size_t prefix_chars = __builtin_strlen(prefix), chars = prefix_chars + __builtin_strlen(name);
    WCHAR *text = arena_alloc(arena, (chars + 1) * sizeof(WCHAR));

    if (text == NULL)
        return false;
    for (size_t i = 0; i < chars; i++)
        text[i] = (UCHAR)(i < prefix_chars ? prefix[i] : name[i - prefix_chars]);
    string->Buffer = text;
    string->Length = (USHORT)(chars * sizeof(WCHAR));
    string->MaximumLength = (USHORT)(string->Length + sizeof(WCHAR));
    return true;
}

bool ldr_create_module_entry(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error)
{
    struct arena *arena = &ldr_private(image)->arena;
    KLDR_DATA_TABLE_ENTRY *entry = arena_alloc(arena, sizeof(*entry));

    if (entry == NULL || !make_name(arena, "", image->name, &entry->BaseDllName) ||
        !make_name(arena, "\\SystemRoot\\System32\\drivers\\", image->name, &entry->FullDllName))
        return ldr_no_memory(error);
    entry->ExceptionTable = (void *)image->arch.functions;
    entry->ExceptionTableSize = image->arch.function_count * (ULONG)sizeof(RUNTIME_FUNCTION);
    entry->DllBase = image->base;
    entry->EntryPoint = image->entry;
    entry->SizeOfImage = (ULONG)image->size;
    entry->SizeOfImageNotRounded = file->headers.OptionalHeader.SizeOfImage;
    entry->CheckSum = file->headers.OptionalHeader.CheckSum;
    entry->TimeDateStamp = file->headers.FileHeader.TimeDateStamp;
    entry->LoadCount = 1;
    image->loader_data = entry;
    return true;
}

void ldr_publish_module(struct ldr_image *image)
{
    KLDR_DATA_TABLE_ENTRY *entry = image->loader_data;

    rl_lock_acquire(&modules_lock);
    list_insert_tail(&PsLoadedModuleList, &entry->InLoadOrderLinks);
    rl_lock_release(&modules_lock);
}

void ldr_withdraw_module(struct ldr_image *image)
{
    KLDR_DATA_TABLE_ENTRY *entry = image->loader_data;

    rl_lock_acquire(&modules_lock);
    list_remove(&entry->InLoadOrderLinks);
    rl_lock_release(&modules_lock);
}

void ldr_forget_modules(void)
{
    modules_lock = (rl_lock){0};
    list_init(&PsLoadedModuleList);
}
