/* SPDX-License-Identifier: MIT */
/* The command `wmi`: blocks that drivers provide, their instances, methods and events. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "session.h"

#define DATA_SHOWN 256

static void print_bytes(const struct printer *printer, const unsigned char *data, size_t length)
{
    size_t shown = printer->json || length < DATA_SHOWN ? length : DATA_SHOWN;

    for (size_t i = 0; i < shown; i++)
        printf("%02x", data[i]);
    if (printer->json)
        return;
    fputs(shown < length ? "... \"" : " \"", stdout);
    for (size_t i = 0; i < shown; i++)
        putchar(isprint(data[i]) ? data[i] : '.');
    putchar('"');
}

/* ---- the list ---- */

struct list {
    const struct printer *printer;
    unsigned count;
};

static void show_block_json(const struct rgl_wmi_block_info *info)
{
    printf("{\"event\":\"wmi-block\",\"guid\":\"%s\",\"service\":", info->guid);
    print_json_string(stdout, info->service);
    printf(",\"device\":%u,\"instances\":%u,\"dynamic_names\":%s,\"flags\":%" PRIu32
           ",\"events\":%s,\"collection\":%s,\"mof\":",
           info->device, info->instances, info->dynamic_names ? "true" : "false", info->flags,
           info->events_enabled ? "true" : "false", info->collection_enabled ? "true" : "false");
    print_json_string(stdout, info->mof);
    puts("}");
}

static void show_block(void *context, const struct rgl_wmi_block_info *info)
{
    struct list *list = context;

    list->count++;
    if (list->printer->json) {
        show_block_json(info);
        return;
    }
    printf("wmi block %s", info->guid);
    if (info->device != 0)
        printf(" of %s, device #%u", info->service, info->device);
    if (info->dynamic_names)
        printf(": dynamic instances");
    else
        printf(": %u instance%s", info->instances, info->instances == 1 ? "" : "s");
    printf("%s%s", info->event_only ? ", event" : "", info->expensive ? ", expensive" : "");
    printf("%s%s", info->events_enabled ? ", events enabled" : "",
           info->collection_enabled ? ", collected" : "");
    printf("%s%s\n", info->mof[0] != '\0' ? ", MOF " : "", info->mof);
}

static int list_blocks(struct call *call)
{
    struct list list = {&call->session->printer, 0};

    rgl_for_each_wmi_block(call->session->machine, show_block, &list);
    if (list.count == 0)
        print_info(list.printer, "none", "no WMI blocks");
    return EXIT_OK;
}

/* ---- one block ---- */

struct request {
    struct call *call;
    const char *guid;
    char instance[1600];
    char what[1700];
    struct result result; /* of the one instance */
    unsigned instances;
};

static void show_instance(void *context, const struct rgl_wmi_instance *instance)
{
    struct request *r = context;
    const struct printer *printer = &r->call->session->printer;

    r->instances++;
    if (printer->quiet)
        return;
    if (printer->json) {
        printf("{\"event\":\"wmi-instance\",\"guid\":\"%s\",\"instance\":", r->guid);
        print_json_string(stdout, instance->name);
        fputs(",\"data\":\"", stdout);
    } else {
        printf("wmi %s \"%s\": %zu bytes, data ", r->guid, instance->name, instance->length);
    }
    print_bytes(printer, instance->data, instance->length);
    puts(printer->json ? "\"}" : "");
}

static void keep_instance(void *context, const struct rgl_wmi_instance *instance)
{
    struct request *r = context;

    r->result.data = malloc(instance->length + 1);
    if (r->result.data == NULL)
        return;
    memcpy(r->result.data, instance->data, instance->length);
    r->result.length = instance->length;
    r->result.has_data = true;
}

static int done(struct request *r, rgl_status status)
{
    r->result.status = status;
    return call_done(r->call, r->what, &r->result);
}

static int query_all(struct request *r)
{
    rgl_status status = rgl_wmi_query(r->call->session->machine, r->guid, NULL, show_instance, r);

    r->result.information = r->instances;
    r->result.has_information = status >= 0;
    snprintf(r->what, sizeof(r->what), "wmi %s", r->guid);
    return done(r, status);
}

static int enable(struct request *r, bool on)
{
    struct call *call = r->call;
    bool collection = call_take(call, "collection");

    if (call_more(call))
        return call_wrong(call, "more words than it takes");
    snprintf(r->what, sizeof(r->what), "wmi %s %s%s", r->guid, on ? "enable" : "disable",
             collection ? " collection" : "");
    return done(r, rgl_wmi_enable(call->session->machine, r->guid,
                                  collection ? RGL_WMI_COLLECTION : RGL_WMI_EVENTS, on));
}

/* A name, or a number: the nth of all instances. */
static rgl_status find_instance(struct request *r, const char *word, bool quoted)
{
    unsigned long long index;

    if (quoted || !parse_number(word, &index)) {
        snprintf(r->instance, sizeof(r->instance), "%s", word);
        return RGL_STATUS_SUCCESS;
    }
    return rgl_wmi_instance_name(r->call->session->machine, r->guid, (unsigned)index, r->instance,
                                 sizeof(r->instance));
}

static bool take_data(struct call *call, struct data *data)
{
    const char *error = "wants data";

    if (call_more(call) &&
        data_parse(data, call->words->text[call->at], call->words->quoted[call->at], &error)) {
        call->at++;
        return true;
    }
    call_wrong(call, error);
    return false;
}

enum verb { QUERY, SET, SET_ITEM, METHOD };

static rgl_status send_verb(struct request *r, enum verb verb, unsigned number, const struct data *data)
{
    rgl_machine *machine = r->call->session->machine;

    switch (verb) {
    case SET:
        return rgl_wmi_set(machine, r->guid, r->instance, data->bytes, data->length);
    case SET_ITEM:
        return rgl_wmi_set_item(machine, r->guid, r->instance, number, data->bytes, data->length);
    case METHOD:
        return rgl_wmi_execute(machine, r->guid, r->instance, number, data->bytes, data->length,
                               keep_instance, r);
    default:
        return rgl_wmi_query(machine, r->guid, r->instance, keep_instance, r);
    }
}

static int do_verb(struct request *r, enum verb verb, unsigned number, const struct data *data,
                   const char *word, bool quoted)
{
    static const char *const names[] = {"", " set", " set-item", " method"};
    rgl_status status = find_instance(r, word, quoted);
    char text[16] = "";

    if (status >= 0)
        status = send_verb(r, verb, number, data);
    if (verb == SET_ITEM || verb == METHOD)
        snprintf(text, sizeof(text), " %u", number);
    snprintf(r->what, sizeof(r->what), "wmi %s %s%s%s", r->guid, word, names[verb], text);
    return done(r, status);
}

static int one_instance(struct request *r)
{
    struct call *call = r->call;
    const char *word = call->words->text[call->at];
    bool quoted = call->words->quoted[call->at++];
    enum verb verb = QUERY;
    unsigned long long number = 0;
    struct data data = {0};

    if (call_take(call, "set"))
        verb = SET;
    else if (call_take(call, "set-item"))
        verb = SET_ITEM;
    else if (call_take(call, "method"))
        verb = METHOD;
    if ((verb == SET_ITEM || verb == METHOD) && call_number(call, "a number", &number) != EXIT_OK)
        return EXIT_USAGE;
    if ((verb == SET || verb == SET_ITEM || (verb == METHOD && call_more(call))) && !take_data(call, &data))
        return EXIT_USAGE;
    int code = call_more(call) ? call_wrong(call, "more words than it takes")
                               : do_verb(r, verb, (unsigned)number, &data, word, quoted);
    free(data.bytes);
    return code;
}

/* 8-4-4-4-12 hexadecimal digits, in braces or not. */
static bool is_guid(const char *text)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool braces = text[0] == '{';

    text += braces;
    for (const char *s = shape; *s != '\0'; s++, text++)
        if (*s == 'x' ? !isxdigit((unsigned char)*text) : *text != '-')
            return false;
    return strcmp(text, braces ? "}" : "") == 0;
}

/* wmi [GUID [INSTANCE [set DATA | set-item N DATA | method N [DATA]] | enable [collection] | disable ...]] */
int do_wmi(struct call *call)
{
    struct request request = {.call = call};

    if (!call_more(call))
        return list_blocks(call);
    request.guid = call->words->text[call->at++];
    if (!is_guid(request.guid))
        return call_wrong(call, "wants a GUID");
    if (!call_more(call))
        return query_all(&request);
    if (call_take(call, "enable"))
        return enable(&request, true);
    if (call_take(call, "disable"))
        return enable(&request, false);
    return one_instance(&request);
}

void print_wmi_event(const struct printer *printer, const struct rgl_wmi_event *event)
{
    if (printer->quiet)
        return;
    if (printer->json) {
        printf("{\"event\":\"wmi-event\",\"guid\":\"%s\",\"instance\":", event->guid);
        print_json_string(stdout, event->instance);
        if (event->is_item)
            printf(",\"item\":%" PRIu32, event->item);
        fputs(",\"data\":\"", stdout);
    } else {
        printf("wmi event %s \"%s\"", event->guid, event->instance);
        if (event->is_item)
            printf(" item %" PRIu32, event->item);
        printf(": %zu bytes, data ", event->length);
    }
    print_bytes(printer, event->data, event->length);
    puts(printer->json ? "\"}" : "");
}
