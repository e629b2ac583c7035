/* SPDX-License-Identifier: MIT */
/*
 * The life of an image: loaded in stages, each of which can refuse; put into
 * the list when it is complete; taken out and freed. The list's lock is held
 * for the list alone.
 */
#include "ldr/image.h"
#include "base/lock.h"

static LIST_ENTRY images = {&images, &images};
static rl_lock images_lock;

static const struct rewrite_state *rewrite_of(const struct arch_image *arch)
{
    return &container_of(container_of(arch, struct ldr_image, arch), struct ldr_private, image)->rewrite;
}

static ULONG64 thunk_to_original(const struct arch_image *arch, ULONG64 rip)
{
    return rewrite_original(rewrite_of(arch), rip);
}

static ULONG64 original_to_thunk(const struct arch_image *arch, ULONG64 rip)
{
    return rewrite_resume(rewrite_of(arch), rip);
}

static struct ldr_image *create_image(const struct ldr_file *file, const struct ldr_load_options *options)
{
    struct arena arena = {0};
    struct ldr_private *private = arena_alloc(&arena, sizeof(*private));
    struct ldr_image *image;
    size_t bytes = file->section_count * sizeof(IMAGE_SECTION_HEADER);

    if (private == NULL)
        return NULL;
    image = &private->image;
    image->sections = arena_alloc(&arena, bytes);
    if (image->sections == NULL) {
        arena_free(&arena);
        return NULL;
    }
    private->arena = arena;
    image->section_count = file->section_count;
    __builtin_memcpy(image->sections, file->sections, bytes);
    image->private_data = private;
    host_snprintf(image->name, sizeof(image->name), "%s", options->name);
    return image;
}

static void destroy_image(struct ldr_image *image)
{
    struct arena arena = ldr_private(image)->arena;

    ldr_release_imports(image);
    rewrite_release(&ldr_private(image)->rewrite);
    ldr_unmap_image(image);
    arena_free(&arena);
}

static bool describe_code(struct ldr_image *image, const struct ldr_file *file, struct ldr_error *error)
{
    const IMAGE_OPTIONAL_HEADER64 *opt = &file->headers.OptionalHeader;
    const RUNTIME_FUNCTION *in_file;
    ULONG count;

    if (!ldr_file_functions(file, &in_file, &count, error))
        return false;
    image->entry = opt->AddressOfEntryPoint != 0 ? (char *)image->base + opt->AddressOfEntryPoint : NULL;
    image->arch.base = (uintptr_t)image->base;
    image->arch.size = image->size;
    image->arch.thunk_to_original = thunk_to_original;
    image->arch.original_to_thunk = original_to_thunk;
    image->arch.function_count = count;
    if (count != 0)
        image->arch.functions =
            (const void *)((char *)image->base +
                           opt->DataDirectory[IMAGE_DIRECTORY_ENTRY_EXCEPTION].VirtualAddress);
    return true;
}

static bool prepare_image(struct ldr_image *image, const struct ldr_file *file,
                          const struct ldr_load_options *options, struct ldr_error *error)
{
    return ldr_map_image(image, file, error) && ldr_relocate_image(image, file, error) &&
           describe_code(image, file, error) && ldr_bind_imports(image, file, options, error) &&
           ldr_apply_load_config(image, file, error) && ldr_collect_symbols(image, file, error) &&
           ldr_rewrite_image(image, file, options, error) && ldr_create_module_entry(image, file, error) &&
           ldr_protect_image(image, file, error);
}

static void publish(struct ldr_image *image)
{
    arch_image_add(&image->arch);
    ldr_publish_module(image);
    rl_lock_acquire(&images_lock);
    list_insert_tail(&images, &image->link);
    rl_lock_release(&images_lock);
}

/*
 * Loads an image: its code may run when this returns. NULL: *error has the result and the line.
 * Owns: the caller, until ldr_unload; the bytes are no longer needed. IRQL: PASSIVE_LEVEL.
 */
struct ldr_image *ldr_load(const void *bytes, size_t length, const struct ldr_load_options *options,
                           struct ldr_error *error)
{
    struct ldr_file file;
    struct ldr_image *image;

    if (!ldr_parse(&file, bytes, length, error))
        return NULL;
    image = create_image(&file, options);
    if (image == NULL) {
        ldr_no_memory(error);
        return NULL;
    }
    if (!prepare_image(image, &file, options, error)) {
        destroy_image(image);
        return NULL;
    }
    ldr_collect_lines(image, &file);
    publish(image);
    rgl_debug_image_loaded(options->path, image->base, image->size, image->preferred_base);
    return image;
}

void ldr_unload(struct ldr_image *image)
{
    ldr_private(image)->unload_wanted = true;
    if (__atomic_load_n(&image->references, __ATOMIC_ACQUIRE) != 0)
        return;
    rgl_debug_image_unloading(image->base);
    rl_lock_acquire(&images_lock);
    list_remove(&image->link);
    rl_lock_release(&images_lock);
    ldr_withdraw_module(image);
    arch_image_remove(&image->arch);
    destroy_image(image);
}

/* Nothing runs any more, and all memory of images goes with the machine: only what points to it is cleared.
 */
void ldr_fini(void)
{
    while (!list_empty(&images))
        arch_image_remove(&container_of(list_remove_head(&images), struct ldr_image, link)->arch);
    images_lock = (rl_lock){0};
    ldr_forget_modules();
}

/* Safe in a signal handler and while the machine is frozen: it takes no lock of this component. */
struct ldr_image *ldr_find(const void *address)
{
    struct arch_image *arch = arch_image_find((uintptr_t)address);

    return arch != NULL ? container_of(arch, struct ldr_image, arch) : NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* "hello" names "Hello.sys", and "hello.sys" does. */
static bool name_matches(const char *image, const char *name)
{
    while (*name != '\0' && lower(*image) == lower(*name))
        image++, name++;
    if (*name != '\0')
        return false;
    if (*image == '.') {
        while (*++image != '\0' && *image != '.')
            ;
    }
    return *image == '\0';
}

struct ldr_image *ldr_find_name(const char *name)
{
    struct ldr_image *found = NULL;

    rl_lock_acquire(&images_lock);
    list_for_each(it, &images)
    {
        struct ldr_image *image = container_of(it, struct ldr_image, link);
        if (found == NULL && name_matches(image->name, name))
            found = image;
    }
    rl_lock_release(&images_lock);
    return found;
}

/* The images in load order. visit may unload the image that it is given, and no other. */
void ldr_for_each(void (*visit)(struct ldr_image *, void *), void *context)
{
    list_for_each_safe(it, next, &images) visit(container_of(it, struct ldr_image, link), context);
}
