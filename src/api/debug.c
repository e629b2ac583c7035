/* SPDX-License-Identifier: MIT */
/*
 * What drivers print. The sink runs on an NT stack at any IRQL, so it only
 * appends the text to a list in the runtime's own pool; the lines are put
 * together per driver and delivered on the host side.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "base/lock.h"
#include "host/host.h"
#include "rtl/debug.h"
#include "rtl/rtl.h"
#include "wmi/wmi.h"

#define TAG_PRINT      0x746E7250 /* "Prnt" */
#define LINE_MAX_BYTES 4096
#define LONGEST_LINE   600 /* of the runtime's own */

struct printed {
    struct printed *next;
    enum { LINE, ERROR_ENTRY, WMI_EVENT } kind; /* text; a struct io_error and its packet; a WNODE */
    char driver[32];
    size_t length;
    char text[] __attribute__((aligned(8)));
};

static rl_lock lock; /* guards the list */
static struct printed *first, **last = &first;
static uint32_t lost;
static bool delivering;           /* somebody does; it owns what follows */
static char line[LINE_MAX_BYTES]; /* the unfinished line, of line_driver */
static size_t line_length;
static char line_driver[32];

static void name_of_caller(char *name, size_t size, const void *caller)
{
    struct ldr_image *image = caller != NULL ? ldr_find(caller) : NULL;
    const struct arch_record *record = ke_on_vp() ? ke_thread()->arch.records : NULL;

    /* Behind a gate the return address is the gate's; its record has the driver's. */
    if (image == NULL && record != NULL && record->type == ARCH_RECORD_GATE)
        image = ldr_find((const void *)record->rip);
    /* A routine whose last act is the call has left its frame already: then what the runtime called is all
     * there is. */
    if (image == NULL && ke_on_vp() && ke_thread()->routine != NULL)
        image = ldr_find(ke_thread()->routine);
    const char *from = image != NULL ? image->name : "kernel";
    size_t at = 0;

    while (at + 1 < size && from[at] != '\0' && from[at] != '.') {
        name[at] = from[at];
        at++;
    }
    name[at] = '\0';
}

static struct printed *new_printed(size_t length)
{
    struct printed *printed = mm_alloc(sizeof(*printed) + length + 1, TAG_PRINT);

    if (printed == NULL) {
        __atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    printed->next = NULL;
    printed->kind = LINE;
    printed->length = length;
    return printed;
}

static void append(struct printed *printed)
{
    rl_lock_acquire(&lock);
    *last = printed;
    last = &printed->next;
    rl_lock_release(&lock);
}

static void sink(const char *text, const void *caller)
{
    struct printed *printed = new_printed(strlen(text));

    if (printed == NULL)
        return;
    name_of_caller(printed->driver, sizeof(printed->driver), caller);
    memcpy(printed->text, text, printed->length + 1);
    append(printed);
}

void api_debug_line(const char *from, const char *format, ...)
{
    struct printed *printed = new_printed(LONGEST_LINE);
    va_list arguments;

    if (printed == NULL)
        return;
    host_snprintf(printed->driver, sizeof(printed->driver), "%s", from);
    va_start(arguments, format);
    host_vsnprintf(printed->text, LONGEST_LINE, format, arguments);
    va_end(arguments);
    printed->length = strlen(printed->text);
    printed->text[printed->length++] = '\n';
    printed->text[printed->length] = '\0';
    append(printed);
}

static void error_logged(const struct io_error *error)
{
    struct printed *printed = new_printed(sizeof(*error) + error->bytes);
    struct io_error *copy;

    if (printed == NULL)
        return;
    copy = (struct io_error *)printed->text;
    *copy = *error;
    copy->packet = memcpy(copy + 1, error->packet, error->bytes);
    printed->kind = ERROR_ENTRY;
    append(printed);
}

static void event_seen(const void *wnode, ULONG bytes)
{
    struct printed *printed = new_printed(bytes);

    if (printed == NULL)
        return;
    memcpy(printed->text, wnode, bytes);
    printed->kind = WMI_EVENT;
    append(printed);
}

void api_debug_init(void)
{
    first = NULL;
    last = &first;
    line_length = 0;
    delivering = false;
    rtl_debug_sink = sink;
    io_ops.error_logged = error_logged;
    wmi_event_seen = event_seen;
}

static void end_line(void)
{
    line[line_length] = '\0';
    if (api_machine.config.debug_line != NULL)
        api_machine.config.debug_line(api_machine.config.debug_context, line_driver, line);
    line_length = 0;
}

static void add_text(const char *driver, const char *text, size_t length)
{
    if (line_length != 0 && strcmp(driver, line_driver) != 0)
        end_line();
    snprintf(line_driver, sizeof(line_driver), "%s", driver);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n' || line_length == LINE_MAX_BYTES - 1)
            end_line();
        if (text[i] != '\n' && text[i] != '\r')
            line[line_length++] = text[i];
    }
}

#define STRINGS_MAX 32

/* The strings that end inside the packet, as UTF-8 one behind the other. */
static unsigned decode_strings(const struct io_error *error, const char **strings, char *text, size_t size)
{
    size_t at = error->packet->StringOffset;
    unsigned count = 0;

    while (count < error->packet->NumberOfStrings && count < STRINGS_MAX) {
        const WCHAR *string = io_error_string(error, &at);
        if (string == NULL)
            break;
        rtl_utf8_from_wide(text, size, string, rtl_wcslen(string));
        strings[count++] = text;
        size -= strlen(text) + 1;
        text += strlen(text) + 1;
    }
    return count;
}

static void deliver_error(const struct io_error *error)
{
    const IO_ERROR_LOG_PACKET *packet = error->packet;
    const char *strings[STRINGS_MAX];
    char text[3 * 256];
    struct rgl_error told = {.driver = error->driver,
                             .device = error->device,
                             .code = (uint32_t)packet->ErrorCode,
                             .unique = packet->UniqueErrorValue,
                             .final_status = (uint32_t)packet->FinalStatus,
                             .sequence = packet->SequenceNumber,
                             .control_code = packet->IoControlCode,
                             .category = packet->EventCategory,
                             .major = packet->MajorFunctionCode,
                             .retries = packet->RetryCount,
                             .device_offset = packet->DeviceOffset.QuadPart,
                             .dump = packet->DumpData,
                             .dump_length = io_error_dump_bytes(error),
                             .strings = strings};

    told.string_count = decode_strings(error, strings, text, sizeof(text));
    if (api_machine.config.error_logged != NULL)
        api_machine.config.error_logged(api_machine.config.debug_context, &told);
}

static struct printed *take_all(void)
{
    rl_lock_acquire(&lock);
    struct printed *list = first;
    first = NULL;
    last = &first;
    rl_lock_release(&lock);
    return list;
}

static unsigned deliver_all(void)
{
    struct printed *next, *list = take_all();
    unsigned count = 0;

    for (struct printed *printed = list; printed != NULL; printed = next, count++) {
        next = printed->next;
        if (printed->kind != LINE && line_length != 0)
            end_line();
        if (printed->kind == ERROR_ENTRY)
            deliver_error((const struct io_error *)printed->text);
        else if (printed->kind == WMI_EVENT)
            api_wmi_deliver(printed->text, printed->length);
        else
            add_text(printed->driver, printed->text, printed->length);
        mm_free(printed);
    }
    return count;
}

/* One thread at a time delivers, and goes on while there is more: a thread that finds another at it need not
 * wait, and an embedder's callback may call us. */
unsigned api_debug_deliver(void)
{
    unsigned count = 0;

    while (unlikely(__atomic_load_n(&first, __ATOMIC_SEQ_CST) != NULL)) {
        if (__atomic_exchange_n(&delivering, true, __ATOMIC_SEQ_CST))
            return count;
        count += deliver_all();
        __atomic_store_n(&delivering, false, __ATOMIC_SEQ_CST);
    }
    return count;
}

void api_debug_fini(void)
{
    char note[64];
    uint32_t count = __atomic_exchange_n(&lost, 0, __ATOMIC_RELAXED);

    api_debug_deliver();
    if (line_length != 0)
        end_line();
    if (count != 0 && api_machine.config.debug_line != NULL) {
        snprintf(note, sizeof(note), "%u messages were lost: no memory", count);
        api_machine.config.debug_line(api_machine.config.debug_context, "kernel", note);
    }
    rtl_debug_sink = NULL;
    io_ops.error_logged = NULL;
    wmi_event_seen = NULL;
}
