/* SPDX-License-Identifier: MIT */
/* Appending to a text of fixed size. No allocation, no lock. */
#include "vf/text.h"
#include "host/host.h"
#include "nt/ke.h"

void vf_text_init(struct vf_text *text, char *buffer, size_t size)
{
    *text = (struct vf_text){.buffer = buffer, .size = size};
    buffer[0] = '\0';
}

void vf_text_add(struct vf_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int wanted = host_vsnprintf(text->buffer + text->length, text->size - text->length, format, arguments);
    va_end(arguments);
    text->length = MIN(text->length + (size_t)MAX(wanted, 0), text->size - 1);
}

void vf_text_add_wide(struct vf_text *text, const WCHAR *wide, size_t wchars)
{
    char format[] = "%ws"; /* not a literal: the compiler does not know %ws */
    for (size_t i = 0; i < wchars; i++) {
        WCHAR one[2] = {wide[i] < ' ' ? '?' : wide[i], 0};
        vf_text_add(text, format, one);
    }
}

const char *vf_irql_name(KIRQL irql)
{
    static const char *const names[] = {
        [PASSIVE_LEVEL] = "PASSIVE_LEVEL", [APC_LEVEL] = "APC_LEVEL", [DISPATCH_LEVEL] = "DISPATCH_LEVEL",
        [CLOCK_LEVEL] = "CLOCK_LEVEL",     [IPI_LEVEL] = "IPI_LEVEL", [HIGH_LEVEL] = "HIGH_LEVEL",
    };
    if (irql >= countof(names))
        return "no IRQL";
    return names[irql] ? names[irql] : "a device's level";
}
