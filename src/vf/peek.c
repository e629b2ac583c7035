/* SPDX-License-Identifier: MIT */
/*
 * Guarded reads: every page is looked up in the simulated machine's page table
 * first. What is read is copied once and then judged, never read again.
 */
#include <string.h>
#include "vf/peek.h"
#include "host/memory.h"
#include "ob/object.h"

#define NAME_MAX_WCHARS 256
#define NAME_MAX_DEPTH  8

static bool is_readable_page(const void *page)
{
    return hmem_pfn_of(page) != HMEM_NO_PFN && (hmem_protection_of(page) & HMEM_R);
}

bool vf_is_readable(const void *from, size_t length)
{
    uintptr_t at = (uintptr_t)from, end = at + length;
    if (from == NULL || end < at)
        return false;
    for (uintptr_t page = ALIGN_DOWN(at, PAGE_SIZE); page < end; page += PAGE_SIZE)
        if (!is_readable_page((const void *)page))
            return false;
    return true;
}

bool vf_peek(void *to, const void *from, size_t length)
{
    if (!vf_is_readable(from, length))
        return false;
    memcpy(to, from, length);
    return true;
}

bool vf_peek_string(const UNICODE_STRING *string, struct vf_text *text)
{
    WCHAR wide[NAME_MAX_WCHARS];
    size_t wchars = MIN(string->Length / sizeof(WCHAR), countof(wide));
    if (wchars == 0 || !vf_peek(wide, string->Buffer, wchars * sizeof(WCHAR)))
        return false;
    vf_text_add_wide(text, wide, wchars);
    return true;
}

/* The names from an object's own up to the root's, which has no text. False: a link of the chain is broken.
 */
static unsigned name_chain(const void *body, struct ob_name *chain)
{
    unsigned depth = 0;
    while (depth < NAME_MAX_DEPTH) {
        struct ob_header header;
        if (!vf_peek(&header, (const void *)((uintptr_t)body - offsetof(struct ob_header, body)),
                     sizeof(header)) ||
            header.name == NULL || !vf_peek(&chain[depth], header.name, sizeof(chain[depth])))
            return 0;
        if (chain[depth].parent == NULL)
            return depth;
        body = chain[depth++].parent;
    }
    return 0;
}

bool vf_peek_object_name(const void *body, struct vf_text *text)
{
    struct ob_name chain[NAME_MAX_DEPTH];
    struct vf_text before = *text;
    unsigned depth = body != NULL ? name_chain(body, chain) : 0;
    for (unsigned i = depth; i > 0; i--) {
        vf_text_add(text, "\\");
        if (!vf_peek_string(&chain[i - 1].text, text)) {
            text->length = before.length;
            text->buffer[text->length] = '\0';
            return false;
        }
    }
    return depth != 0;
}

bool vf_peek_irp(const void *irp, IRP *copy)
{
    return vf_peek(copy, irp, sizeof(*copy)) && copy->Type == IO_TYPE_IRP && copy->Size >= sizeof(*copy);
}

bool vf_peek_device(const void *device, DEVICE_OBJECT *copy)
{
    return vf_peek(copy, device, sizeof(*copy)) && copy->Type == IO_TYPE_DEVICE;
}

bool vf_peek_driver_name(const void *driver, struct vf_text *text)
{
    DRIVER_OBJECT copy;
    char buffer[NAME_MAX_WCHARS * 3];
    struct vf_text name;
    vf_text_init(&name, buffer, sizeof(buffer));
    if (!vf_peek(&copy, driver, sizeof(copy)) || copy.Type != IO_TYPE_DRIVER ||
        !vf_peek_string(&copy.DriverName, &name))
        return false;
    const char *slash = strrchr(buffer, '\\');
    vf_text_add(text, "%s", slash != NULL ? slash + 1 : buffer);
    return true;
}

bool vf_peek_location(const void *irp, const IRP *copy, IO_STACK_LOCATION *location)
{
    const IO_STACK_LOCATION *first = (const IO_STACK_LOCATION *)((const char *)irp + sizeof(IRP));
    const IO_STACK_LOCATION *current = copy->Tail.Overlay.CurrentStackLocation;
    if (current < first || current >= first + copy->StackCount ||
        ((uintptr_t)current - (uintptr_t)first) % sizeof(*current) != 0)
        return false;
    return vf_peek(location, current, sizeof(*location));
}
