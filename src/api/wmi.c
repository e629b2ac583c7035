/* SPDX-License-Identifier: MIT */
/*
 * WMI for embedders: the NT side asks the providers and leaves the WNODEs in its
 * memory, the host side takes them apart and visits what is in them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "rtl/rtl.h"
#include "wmi/wmi.h"

#define TAG_WMI    0x41696D57 /* "WmiA" */
#define NAME_CHARS 512
#define NAME_BYTES (3 * NAME_CHARS)
#define GUID_CHARS 40

static void guid_text(char *text, const GUID *guid)
{
    const UCHAR *d = guid->Data4;

    snprintf(text, GUID_CHARS, "{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}", (unsigned)guid->Data1,
             guid->Data2, guid->Data3, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
}

static rgl_status guid_parse(const char *text, GUID *guid)
{
    unsigned part[11];
    int end = 0;
    size_t length = strlen(text);
    bool braces = text[0] == '{';

    if (length != (braces ? 38u : 36u) || (braces && text[37] != '}'))
        return api_fail((rgl_status)STATUS_INVALID_PARAMETER, "'%s' is no GUID", text);
    if (sscanf(text + braces, "%8x-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x%n", &part[0], &part[1], &part[2],
               &part[3], &part[4], &part[5], &part[6], &part[7], &part[8], &part[9], &part[10], &end) != 11 ||
        end != 36)
        return api_fail((rgl_status)STATUS_INVALID_PARAMETER, "'%s' is no GUID", text);
    *guid = (GUID){part[0], (USHORT)part[1], (USHORT)part[2], {0}};
    for (int i = 0; i < 8; i++)
        guid->Data4[i] = (UCHAR)part[3 + i];
    return RGL_STATUS_SUCCESS;
}

/* What a call is about; on the NT side's way back: its answer. */
struct request {
    GUID guid;
    WCHAR name[NAME_CHARS]; /* "": all instances */
    UNICODE_STRING instance;
    ULONG index, number;
    const void *data;
    ULONG length;
    bool events, enable;
    void *out;
    ULONG out_bytes;
};

/* The instance's name may be NULL. The embedder's data is copied to where the NT side may hand it on. */
static rgl_status begin(struct request *r, const char *guid, const char *instance)
{
    rgl_status status = guid_parse(guid, &r->guid);

    if (status < 0 || instance == NULL)
        return status;
    if (rtl_wide_from_utf8(r->name, NAME_CHARS, instance, strlen(instance)) < 0)
        return api_fail((rgl_status)STATUS_INVALID_PARAMETER, "the instance's name is too long");
    rtl_init_string(&r->instance, r->name);
    return status;
}

static NTSTATUS free_answer(void *arg)
{
    mm_free(((struct request *)arg)->out);
    return STATUS_SUCCESS;
}

/* Runs fn on the NT side, shows its answer, and lets go of it. */
static rgl_status ask(NTSTATUS (*fn)(void *), struct request *r, void (*show)(struct request *, void *),
                      void *context)
{
    rgl_status status;

    if (!api_enter(&status))
        return status;
    status = api_call(fn, r, KernelMode);
    if (status >= 0 && show != NULL)
        show(r, context);
    if (r->out != NULL && status != RGL_STATUS_BUG_CHECK)
        api_call(free_answer, r, KernelMode);
    api_leave();
    return api_ok(status);
}

/* ---- what a WNODE says, to the embedder ---- */

struct visitor {
    void (*visit)(void *context, const struct rgl_wmi_instance *);
    void *context;
};

static void text_of(char *to, const WCHAR *name, size_t bytes)
{
    to[0] = '\0';
    if (name != NULL)
        rtl_utf8_from_wide(to, NAME_BYTES, name, MIN(bytes / sizeof(WCHAR), NAME_CHARS - 1));
}

static void show_instance(const struct wmi_instance *instance, void *context)
{
    const struct visitor *visitor = context;
    char name[NAME_BYTES];

    text_of(name, instance->name, instance->name_bytes);
    visitor->visit(visitor->context, &(struct rgl_wmi_instance){
                                         .name = name, .data = instance->data, .length = instance->length});
}

static void show_all(struct request *r, void *context)
{
    wmi_for_each_instance(r->out, r->out_bytes, show_instance, context);
}

static void show_one(struct request *r, void *context)
{
    const WNODE_SINGLE_INSTANCE *one = r->out;
    struct wmi_instance instance = {.name = r->instance.Buffer,
                                    .name_bytes = r->instance.Length,
                                    .data = (const UCHAR *)r->out + one->DataBlockOffset,
                                    .length = one->SizeDataBlock};
    show_instance(&instance, context);
}

static void show_output(struct request *r, void *context)
{
    struct wmi_instance instance = {
        .name = r->instance.Buffer, .name_bytes = r->instance.Length, .data = r->out, .length = r->out_bytes};
    show_instance(&instance, context);
}

/* ---- requests ---- */

static NTSTATUS query(void *arg)
{
    struct request *r = arg;
    return r->instance.Buffer != NULL ? wmi_query_instance(&r->guid, &r->instance, &r->out, &r->out_bytes)
                                      : wmi_query_all(&r->guid, &r->out, &r->out_bytes);
}

rgl_status rgl_wmi_query(rgl_machine *machine, const char *guid, const char *instance,
                         void (*visit)(void *context, const struct rgl_wmi_instance *), void *context)
{
    struct request request = {0};
    struct visitor visitor = {visit, context};
    rgl_status status = begin(&request, guid, instance);

    return status < 0 ? status : ask(query, &request, instance != NULL ? show_one : show_all, &visitor);
}

static NTSTATUS find_name(void *arg)
{
    struct request *r = arg;
    return wmi_instance_name(&r->guid, r->index, r->name, NAME_CHARS);
}

rgl_status rgl_wmi_instance_name(rgl_machine *machine, const char *guid, unsigned index, char *name,
                                 size_t size)
{
    struct request request = {.index = index};
    rgl_status status = begin(&request, guid, NULL);

    if (status >= 0)
        status = ask(find_name, &request, NULL, NULL);
    if (status >= 0)
        rtl_utf8_from_wide(name, size, request.name, rtl_wcslen(request.name));
    return status;
}

static NTSTATUS set(void *arg)
{
    struct request *r = arg;
    return wmi_set_instance(&r->guid, &r->instance, r->data, r->length);
}

static NTSTATUS set_item(void *arg)
{
    struct request *r = arg;
    return wmi_set_item(&r->guid, &r->instance, r->number, r->data, r->length);
}

static rgl_status change(NTSTATUS (*fn)(void *), const char *guid, const char *instance, uint32_t item,
                         const void *data, size_t length)
{
    struct request request = {.number = item, .data = data, .length = (ULONG)length};
    rgl_status status = begin(&request, guid, instance);

    return status < 0 ? status : ask(fn, &request, NULL, NULL);
}

rgl_status rgl_wmi_set(rgl_machine *machine, const char *guid, const char *instance, const void *data,
                       size_t length)
{
    return change(set, guid, instance, 0, data, length);
}

rgl_status rgl_wmi_set_item(rgl_machine *machine, const char *guid, const char *instance, uint32_t item,
                            const void *data, size_t length)
{
    return change(set_item, guid, instance, item, data, length);
}

static NTSTATUS execute(void *arg)
{
    struct request *r = arg;
    return wmi_execute(&r->guid, &r->instance, r->number, r->data, r->length, &r->out, &r->out_bytes);
}

rgl_status rgl_wmi_execute(rgl_machine *machine, const char *guid, const char *instance, uint32_t method,
                           const void *data, size_t length,
                           void (*visit)(void *context, const struct rgl_wmi_instance *), void *context)
{
    struct request request = {.number = method, .data = data, .length = (ULONG)length};
    struct visitor visitor = {visit, context};
    rgl_status status = begin(&request, guid, instance);

    return status < 0 ? status : ask(execute, &request, show_output, &visitor);
}

static NTSTATUS enable_use(void *arg)
{
    struct request *r = arg;
    return wmi_enable(&r->guid, r->events, r->enable);
}

rgl_status rgl_wmi_enable(rgl_machine *machine, const char *guid, enum rgl_wmi_use use, bool enable)
{
    struct request request = {.events = use == RGL_WMI_EVENTS, .enable = enable};
    rgl_status status = begin(&request, guid, NULL);

    return status < 0 ? status : ask(enable_use, &request, NULL, NULL);
}

/* ---- blocks ---- */

struct row {
    struct wmi_block_info info;
    unsigned device;
    char service[IO_SERVICE_NAME_BYTES], mof[NAME_BYTES];
};

struct rows {
    struct row *rows;
    unsigned count, room;
};

static void add_block(const struct wmi_block_info *info, void *context)
{
    struct rows *rows = context;

    if (rows->count == rows->room) {
        unsigned room = rows->room * 2 + 8;
        struct row *more = mm_alloc(room * sizeof(*more), TAG_WMI);
        if (more == NULL)
            return;
        if (rows->count != 0)
            memcpy(more, rows->rows, rows->count * sizeof(*more));
        mm_free(rows->rows);
        rows->rows = more;
        rows->room = room;
    }
    struct row *row = &rows->rows[rows->count++];
    row->info = *info;
    text_of(row->mof, info->mof, info->mof != NULL ? rtl_wcslen(info->mof) * sizeof(WCHAR) : 0);
    if (info->provider != NULL) {
        const char *service = io_driver_service(info->provider->DriverObject);
        memcpy(row->service, service, strlen(service) + 1);
        row->device = io_device_number(info->provider);
    }
}

static NTSTATUS collect(void *arg)
{
    wmi_for_each_block(add_block, arg);
    return STATUS_SUCCESS;
}

static NTSTATUS free_rows(void *arg)
{
    mm_free(((struct rows *)arg)->rows);
    return STATUS_SUCCESS;
}

rgl_status rgl_for_each_wmi_block(rgl_machine *machine,
                                  void (*visit)(void *context, const struct rgl_wmi_block_info *),
                                  void *context)
{
    struct rows rows = {0};
    char guid[GUID_CHARS];
    rgl_status status;

    if (!api_enter(&status))
        return status;
    status = api_call(collect, &rows, KernelMode);
    for (unsigned i = 0; status >= 0 && i < rows.count; i++) {
        const struct row *row = &rows.rows[i];
        const ULONG names =
            WMIREG_FLAG_INSTANCE_LIST | WMIREG_FLAG_INSTANCE_BASENAME | WMIREG_FLAG_INSTANCE_PDO;
        guid_text(guid, &row->info.guid);
        visit(context,
              &(struct rgl_wmi_block_info){.guid = guid,
                                           .service = row->service,
                                           .mof = row->mof,
                                           .device = row->device,
                                           .instances = row->info.instances,
                                           .dynamic_names = !(row->info.flags & names),
                                           .event_only = row->info.flags & WMIREG_FLAG_EVENT_ONLY_GUID,
                                           .expensive = row->info.flags & WMIREG_FLAG_EXPENSIVE,
                                           .events_enabled = row->info.events,
                                           .collection_enabled = row->info.collection,
                                           .flags = row->info.flags});
    }
    if (rows.rows != NULL && status != RGL_STATUS_BUG_CHECK)
        api_call(free_rows, &rows, KernelMode);
    api_leave();
    return api_ok(status);
}

/* ---- events ---- */

static void tell(const struct rgl_wmi_event *event)
{
    if (api_machine.config.wmi_event != NULL)
        api_machine.config.wmi_event(api_machine.config.debug_context, event);
}

static void tell_instance(const struct wmi_instance *instance, void *context)
{
    struct rgl_wmi_event event = *(const struct rgl_wmi_event *)context;
    char name[NAME_BYTES];

    text_of(name, instance->name, instance->name_bytes);
    event.instance = name;
    event.data = instance->data;
    event.length = instance->length;
    tell(&event);
}

/* A WNODE_SINGLE_INSTANCE, or a WNODE_SINGLE_ITEM, whose numbers lie one ULONG further. */
static void tell_one(const WNODE_SINGLE_INSTANCE *one, size_t bytes, struct rgl_wmi_event *event)
{
    const ULONG *place = &one->DataBlockOffset + event->is_item;
    struct wmi_instance instance = {0};
    USHORT length;

    if (bytes < offsetof(WNODE_SINGLE_ITEM, VariableData) && (event->is_item || bytes < sizeof(*one)))
        return;
    if (place[0] > bytes || bytes - place[0] < place[1])
        return;
    instance.data = (const UCHAR *)one + place[0];
    instance.length = place[1];
    event->item = event->is_item ? one->DataBlockOffset : 0;
    if (one->OffsetInstanceName != 0 && one->OffsetInstanceName + sizeof(length) <= bytes) {
        memcpy(&length, (const UCHAR *)one + one->OffsetInstanceName, sizeof(length));
        instance.name = (const WCHAR *)((const UCHAR *)one + one->OffsetInstanceName + sizeof(length));
        instance.name_bytes = MIN(length, bytes - one->OffsetInstanceName - sizeof(length));
    }
    tell_instance(&instance, event);
}

void api_wmi_deliver(const void *wnode, size_t bytes)
{
    const WNODE_HEADER *header = wnode;
    char guid[GUID_CHARS];
    struct rgl_wmi_event event = {.guid = guid, .is_item = header->Flags & WNODE_FLAG_SINGLE_ITEM};

    guid_text(guid, &header->Guid);
    if (header->Flags & WNODE_FLAG_ALL_DATA)
        wmi_for_each_instance(wnode, (ULONG)bytes, tell_instance, &event);
    else if (header->Flags & (WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_SINGLE_ITEM))
        tell_one(wnode, bytes, &event);
}
