/* SPDX-License-Identifier: MIT */
/*
 * The report of a bug check or a violation: the code as Windows names it, what
 * happened in a sentence, who did it and where, the objects involved. Built on
 * the failing thread at HIGH_LEVEL into static storage. Nothing in it differs
 * from one run of a seed to the next: no address of the runtime, no time.
 */
#include "vf/report.h"
#include "base/sanitizer.h"
#include "host/host.h"
#include "host/memory.h"
#include "rtl/rtl.h"

/* Where Linux puts programs, their heap and their libraries: at other addresses in each run. */
#define HOST_LOWEST  0x500000000000ull
#define HOST_HIGHEST 0x7FFFFFFFFFFFull

bool vf_is_host_address(ULONG64 value)
{
    bool is_status = value >> 32 == 0; /* not a pointer, whatever lies there */
    if (unlikely(!is_status && sanitizer_is_shadow(value)))
        return true;
    return value >= HOST_LOWEST && value <= HOST_HIGHEST && !hmem_is_system((const void *)value);
}

void vf_describe_function(ULONG64 address, char *text, size_t size)
{
    size_t end = 0;
    vf_describe(address, text, size);
    for (size_t i = 0; text[i] != '\0'; i++)
        if ((text[i] == '+' && text[i + 1] == '0' && text[i + 2] == 'x') || text[i] == ' ') {
            end = i;
            break;
        }
    if (end != 0)
        text[end] = '\0';
}

/* Where an endless loop was interrupted is chance, and a seed's report has none. */
static bool is_chance(const struct ke_bugcheck_info *info)
{
    return info->stalled && info->sentence == NULL && host_simulated();
}

static void add_number(struct vf_text *text, ULONG64 value, const char *format)
{
    char words[VF_DESCRIPTION];
    if (!host_simulated() || !vf_is_host_address(value)) {
        vf_text_add(text, format, (unsigned long long)value);
        return;
    }
    vf_describe(value, words, sizeof(words));
    vf_text_add(text, "%s", words[0] == '0' ? "(inside the runtime)" : words);
}

void vf_add_value(struct vf_text *text, ULONG64 value)
{
    add_number(text, value, "0x%016llx");
}

void vf_add_address(struct vf_text *text, ULONG64 value)
{
    add_number(text, value, "0x%llx");
}

static void add_irql(struct vf_text *text, KIRQL irql)
{
    vf_text_add(text, "IRQL %u (%s)", irql, vf_irql_name(irql));
}

static void add_title(struct vf_text *text, const struct vf_report *report)
{
    vf_text_add(text, "*** %s 0x%08X: %s\n*** (", report->verifier ? "VERIFIER STOP" : "STOP", report->code,
                report->name);
    for (unsigned i = 0; i < 4; i++) {
        vf_text_add(text, "%s", i ? ", " : "");
        vf_add_value(text, report->p[i]);
    }
    vf_text_add(text, ")\n");
}

/* Where a driver is to blame: the place that was named, else the first frame inside an image, however deep in
 * the runtime the failure was noticed; else, as a last call leaves no frame, the driver routine that runs. */
static bool find_driver(const struct ke_bugcheck_info *info, const ULONG64 *frames, unsigned count,
                        char *name, size_t size, ULONG64 *where)
{
    *where = info->raise_address;
    if (*where != 0 && vf_image_of(*where, name, size))
        return true;
    for (unsigned i = 0; i < count; i++) {
        *where = frames[i];
        if (vf_image_of(*where, name, size))
            return true;
    }
    *where = vf_routine(info->thread);
    return *where != 0 && vf_image_of(*where, name, size);
}

static void add_driver(struct vf_text *text, const struct ke_bugcheck_info *info, const ULONG64 *frames,
                       unsigned count)
{
    char name[64], words[VF_DESCRIPTION];
    ULONG64 where;
    if (!find_driver(info, frames, count, name, sizeof(name), &where))
        return;
    if (is_chance(info))
        vf_describe_function(where, words, sizeof(words));
    else
        vf_describe(where, words, sizeof(words));
    vf_text_add(text, "  driver:        %s, at %s\n", name, words);
}

static void add_thread(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    vf_text_add(text, "  where:         ");
    if (info->thread != NULL && info->thread->name != NULL)
        vf_text_add(text, "thread %u (%s), ", info->thread->id, info->thread->name);
    else if (info->thread != NULL)
        vf_text_add(text, "thread %u, ", info->thread->id);
    vf_text_add(text, "virtual processor %u, ", info->vp);
    add_irql(text, info->irql);
    vf_text_add(text, "\n");
}

static void add_exception(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    const char *name = rtl_status_name((NTSTATUS)info->exception.ExceptionCode);
    char words[VF_DESCRIPTION];
    if (info->exception.ExceptionCode == 0)
        return;
    vf_describe((ULONG64)info->exception.ExceptionAddress, words, sizeof(words));
    vf_text_add(text, "  exception:     0x%08X %s at %s\n", (ULONG)info->exception.ExceptionCode,
                name ? name : "",
                vf_is_host_address((ULONG64)info->exception.ExceptionAddress) && words[0] == '0'
                    ? "an instruction of the runtime"
                    : words);
}

/* Who raised the stop may have named them; else they are what the running routine works on. */
static void add_objects(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    struct ke_request request = info->thread != NULL ? info->thread->request : (struct ke_request){0};
    if (info->irp != NULL)
        request.irp = info->irp;
    if (info->device != NULL)
        request.device = info->device;
    if (request.irp != NULL) {
        vf_text_add(text, "  irp:           ");
        vf_add_irp(text, request.irp);
        vf_text_add(text, "\n");
    }
    if (request.device != NULL) {
        vf_text_add(text, "  device:        ");
        vf_add_device(text, request.device);
        vf_text_add(text, "\n");
    }
}

struct pending {
    struct vf_text *text;
    unsigned left;
};

static void add_pending(PIRP irp, void *context)
{
    struct pending *pending = context;
    IO_STACK_LOCATION location;
    if (pending->left == 0 || !vf_peek_location(irp, irp, &location))
        return;
    pending->left--;
    vf_text_add(pending->text, "  pending:       ");
    vf_add_irp(pending->text, irp);
    vf_text_add(pending->text, "\n");
}

/* A wait that nothing can end is, as a rule, for one of these. */
static void add_all_pending(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    struct pending pending = {text, 8};
    if (info->stalled && info->sentence != NULL)
        vf_each_irp(add_pending, &pending);
}

static void add_parameters(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    if (vf_meaning(info, 0) == NULL)
        return;
    vf_text_add(text, "  parameters:\n");
    for (unsigned i = 0; i < 4; i++) {
        const char *meaning = vf_meaning(info, i);
        char words[VF_DESCRIPTION], name[64];
        if (meaning == NULL)
            continue;
        vf_text_add(text, "    %u  ", i + 1);
        vf_add_value(text, info->p[i]);
        vf_text_add(text, "  %s", meaning);
        if (i == 0 && vf_kind(info->code, info->p[0]) != NULL)
            vf_text_add(text, ": %s", vf_kind(info->code, info->p[0]));
        if (vf_image_of(info->p[i], name, sizeof(name))) {
            vf_describe(info->p[i], words, sizeof(words));
            vf_text_add(text, ": %s", words);
        }
        vf_text_add(text, "\n");
    }
}

/* Frames of the runtime between the driver's are one line: they say nothing to who debugs a driver. */
static void add_stack(struct vf_text *text, const ULONG64 *frames, unsigned count, bool chance)
{
    char words[VF_DESCRIPTION], name[64];
    bool runtime = false;
    unsigned number = 0;
    if (count == 0)
        return;
    vf_text_add(text, "  stack:\n");
    for (unsigned i = 0; i < count; i++) {
        bool inside = vf_image_of(frames[i], name, sizeof(name));
        if (chance && inside)
            vf_describe_function(frames[i], words, sizeof(words));
        else
            vf_describe(frames[i], words, sizeof(words));
        chance = chance && !inside; /* the innermost of a driver's */
        bool ours = vf_is_host_address(frames[i]) && words[0] == '0';
        if (!ours)
            vf_text_add(text, "    %2u  %s%s\n", number, words,
                        vf_image_of(frames[i], name, sizeof(name)) || words[0] != '0' ? ""
                                                                                      : ", in no driver");
        else if (!runtime)
            vf_text_add(text, "    %2u  (the runtime)\n", number);
        number += !ours || !runtime;
        runtime = ours;
    }
}

static void add_registers(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    const CONTEXT *c = &info->context;
    const struct {
        const char *name;
        ULONG64 value;
    } registers[] = {{"rax", c->Rax}, {"rbx", c->Rbx}, {"rcx", c->Rcx}, {"rdx", c->Rdx}, {"rsi", c->Rsi},
                     {"rdi", c->Rdi}, {"rbp", c->Rbp}, {"rsp", c->Rsp}, {"r8 ", c->R8},  {"r9 ", c->R9},
                     {"r10", c->R10}, {"r11", c->R11}, {"r12", c->R12}, {"r13", c->R13}, {"r14", c->R14},
                     {"r15", c->R15}, {"rip", c->Rip}};
    if (!info->have_context || vf_is_host_address(c->Rip) || is_chance(info))
        return;
    vf_text_add(text, "  registers:\n");
    for (unsigned i = 0; i < countof(registers); i++) {
        vf_text_add(text, "%s%s ", i % 4 == 0 ? "    " : "  ", registers[i].name);
        if (vf_is_host_address(registers[i].value) && host_simulated())
            vf_text_add(text, "(the runtime's)   ");
        else
            vf_text_add(text, "0x%016llx", (unsigned long long)registers[i].value);
        vf_text_add(text, "%s", i % 4 == 3 ? "\n" : "");
    }
    vf_text_add(text, "  eflags 0x%08X\n", c->EFlags);
}

static void add_body(struct vf_text *text, const struct ke_bugcheck_info *info, const char *sentence)
{
    ULONG64 frames[VF_FRAMES];
    unsigned count = vf_frames(info, frames, VF_FRAMES);
    vf_text_add(text, "  what happened: %s\n", sentence);
    add_driver(text, info, frames, count);
    add_thread(text, info);
    add_exception(text, info);
    add_objects(text, info);
    add_all_pending(text, info);
    vf_add_pool(text, info);
    if (info->details != NULL)
        vf_text_add(text, "%s", info->details);
    add_parameters(text, info);
    add_stack(text, frames, count, is_chance(info));
    vf_add_missed(text);
    add_registers(text, info);
    vf_report_notes(text);
}

/* All but the body: what a reader must get even if looking at the rest fails. */
void vf_report_title(struct vf_report_storage *storage, const struct ke_bugcheck_info *info)
{
    struct vf_report *report = &storage->report;
    const char *name = rtl_bugcheck_name(info->code);
    vf_text_init(&storage->writer, storage->sentence, sizeof(storage->sentence));
    vf_text_init(&storage->writer, storage->text, sizeof(storage->text));
    *report = (struct vf_report){.code = info->code,
                                 .verifier = info->verifier,
                                 .name = name ? name : "(a code without a name)",
                                 .sentence = storage->sentence,
                                 .text = storage->text};
    __builtin_memcpy(report->p, info->p, sizeof(report->p));
    add_title(&storage->writer, report);
}

void vf_report_make(struct vf_report_storage *storage, const struct ke_bugcheck_info *info)
{
    struct vf_text sentence;
    vf_report_title(storage, info);
    vf_text_init(&sentence, storage->sentence, sizeof(storage->sentence));
    vf_add_sentence(&sentence, info);
    add_body(&storage->writer, info, storage->sentence);
}
