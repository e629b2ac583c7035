/* SPDX-License-Identifier: MIT */
/*
 * LogConfig: the resources that a device can use, as the resource requirements
 * list that PnP reads from its key LogConf. Each section is one alternative
 * list, the most wanted first; each line of it one resource, its values the
 * alternatives for it. Source: "INF LogConfig Directive".
 */
#include "inf/plan_internal.h"
#include "nt/cm.h"
#include "nt/io.h"

enum { MAX_LISTS = 32, MAX_DESCRIPTORS = 256 };

struct list_builder {
    struct inf_scope *scope;
    const struct inf_line *line;
    IO_RESOURCE_DESCRIPTOR *descriptors;
    unsigned count;
};

/* ---- the small language of ranges ---- */

static bool take_hex(const char **text, ULONG64 *number)
{
    const char *at = *text;
    UCHAR digit;

    if (at[0] == '0' && (at[1] | 0x20) == 'x')
        at += 2;
    *number = 0;
    for (*text = at; inf_byte((char[]){**text, '\0'}, &digit); ++*text) {
        if (*number >> 60 != 0)
            return false;
        *number = *number << 4 | digit;
    }
    return *text != at;
}

static bool take(const char **text, char c)
{
    while (**text == ' ')
        ++*text;
    if (**text != c)
        return false;
    ++*text;
    return true;
}

struct range {
    ULONG64 size, low, high, alignment;
    const char *attributes; /* what stands between brackets; "" */
};

/* start-end, or size@min-max[%align-mask]; then [(attributes)]. */
static bool read_range(const char *text, struct range *range, ULONG64 default_alignment)
{
    ULONG64 mask = 0;

    *range = (struct range){.attributes = "", .alignment = 1};
    if (!take_hex(&text, &range->low))
        return false;
    bool sized = take(&text, '@');
    if (sized) {
        range->size = range->low;
        range->alignment = default_alignment;
        if (!take_hex(&text, &range->low))
            return false;
    }
    if (!take(&text, '-') || !take_hex(&text, &range->high) || range->high < range->low)
        return false;
    if (!sized)
        range->size = range->high - range->low + 1;
    if (take(&text, '%')) {
        if (!take_hex(&text, &mask) || mask == 0)
            return false;
        range->alignment = mask & -mask;
    }
    if (take(&text, '('))
        range->attributes = text;
    else if (*text != '\0')
        return false;
    return range->size != 0 && range->size <= 0xFFFFFFFF && range->size - 1 <= range->high - range->low &&
           range->alignment <= 0xFFFFFFFF;
}

static bool has_letter(const char *attributes, char letter)
{
    while (*attributes != '\0' && *attributes != ')' && (*attributes & ~0x20) != letter)
        attributes++;
    return (*attributes & ~0x20) == letter;
}

/* ---- descriptors ---- */

static IO_RESOURCE_DESCRIPTOR *add(struct list_builder *b, UCHAR type, UCHAR share, USHORT flags,
                                   bool alternative)
{
    if (b->count == MAX_DESCRIPTORS) {
        inf_fail(b->scope->plan->error, b->line->number, "too many resources");
        return NULL;
    }
    IO_RESOURCE_DESCRIPTOR *d = &b->descriptors[b->count++];
    *d = (IO_RESOURCE_DESCRIPTOR){.Option = alternative ? IO_RESOURCE_ALTERNATIVE : 0,
                                  .Type = type,
                                  .ShareDisposition = share,
                                  .Flags = flags};
    return d;
}

static USHORT port_flags(const char *attributes)
{
    static const struct {
        ULONG64 mask;
        USHORT flag;
    } decodes[] = {{0x3FF, CM_RESOURCE_PORT_10_BIT_DECODE},
                   {0xFFF, CM_RESOURCE_PORT_12_BIT_DECODE},
                   {0xFFFF, CM_RESOURCE_PORT_16_BIT_DECODE},
                   {0, CM_RESOURCE_PORT_POSITIVE_DECODE}};
    USHORT flags = CM_RESOURCE_PORT_IO;
    ULONG64 mask;

    if (take_hex(&attributes, &mask))
        for (unsigned i = 0; i < countof(decodes); i++)
            if (mask == decodes[i].mask)
                flags |= decodes[i].flag;
    return has_letter(attributes, 'M') ? flags & (USHORT)~CM_RESOURCE_PORT_IO : flags;
}

static USHORT memory_flags(const char *attributes)
{
    bool read = has_letter(attributes, 'R'), written = has_letter(attributes, 'W');
    USHORT flags = read && !written   ? CM_RESOURCE_MEMORY_READ_ONLY
                   : written && !read ? CM_RESOURCE_MEMORY_WRITE_ONLY
                                      : CM_RESOURCE_MEMORY_READ_WRITE;

    if (has_letter(attributes, 'C'))
        flags |= CM_RESOURCE_MEMORY_COMBINEDWRITE;
    if (has_letter(attributes, 'H'))
        flags |= CM_RESOURCE_MEMORY_CACHEABLE;
    if (has_letter(attributes, 'F'))
        flags |= CM_RESOURCE_MEMORY_PREFETCHABLE;
    return flags;
}

static bool add_ranges(struct list_builder *b, bool memory)
{
    for (unsigned i = 0; i < b->line->count; i++) {
        struct range range;
        if (!read_range(b->line->value[i], &range, memory ? 0x1000 : 1))
            return inf_fail(b->scope->plan->error, b->line->number,
                            "'%s' is no range: START-END or SIZE@MIN-MAX%%MASK", b->line->value[i]);
        IO_RESOURCE_DESCRIPTOR *d =
            add(b, memory ? CmResourceTypeMemory : CmResourceTypePort, CmResourceShareDeviceExclusive,
                memory ? memory_flags(range.attributes) : port_flags(range.attributes), i != 0);
        if (d == NULL)
            return false;
        d->u.Port.Length = (ULONG)range.size;
        d->u.Port.Alignment = (ULONG)range.alignment;
        d->u.Port.MinimumAddress.QuadPart = (LONGLONG)range.low;
        d->u.Port.MaximumAddress.QuadPart = (LONGLONG)range.high;
    }
    return true;
}

/* "LS:5" without what stands before the colon; *attributes is that. */
static const char *after_colon(const char *text, const char **attributes)
{
    const char *at = text;

    while (*at != '\0' && *at != ':')
        at++;
    *attributes = *at == ':' ? text : "";
    if (*at != ':')
        return text;
    for (at++; *at == ' ';)
        at++;
    return at;
}

static bool letter_before_colon(const char *attributes, char letter)
{
    while (*attributes != '\0' && *attributes != ':' && (*attributes & ~0x20) != letter)
        attributes++;
    return (*attributes & ~0x20) == letter;
}

static bool add_interrupts(struct list_builder *b)
{
    const char *attributes = "";

    for (unsigned i = 0; i < b->line->count; i++) {
        const char *text = b->line->value[i];
        ULONG64 vector;
        if (i == 0)
            text = after_colon(text, &attributes);
        if (!inf_number64(text, &vector) || vector > 255)
            return inf_fail(b->scope->plan->error, b->line->number, "'%s' is no interrupt line", text);
        bool level = letter_before_colon(attributes, 'L'), shared = letter_before_colon(attributes, 'S');
        IO_RESOURCE_DESCRIPTOR *d =
            add(b, CmResourceTypeInterrupt, shared ? CmResourceShareShared : CmResourceShareDeviceExclusive,
                level ? CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE : CM_RESOURCE_INTERRUPT_LATCHED, i != 0);
        if (d == NULL)
            return false;
        d->u.Interrupt.MinimumVector = d->u.Interrupt.MaximumVector = (ULONG)vector;
    }
    return true;
}

static USHORT dma_flags(const char *attributes)
{
    static const struct {
        char letter;
        USHORT flag;
    } letters[] = {{'D', CM_RESOURCE_DMA_32},         {'W', CM_RESOURCE_DMA_16},
                   {'M', CM_RESOURCE_DMA_BUS_MASTER}, {'A', CM_RESOURCE_DMA_TYPE_A},
                   {'B', CM_RESOURCE_DMA_TYPE_B},     {'F', CM_RESOURCE_DMA_TYPE_F}};
    USHORT flags = CM_RESOURCE_DMA_8;

    for (unsigned i = 0; i < countof(letters); i++)
        if (letter_before_colon(attributes, letters[i].letter))
            flags |= letters[i].flag;
    return flags;
}

static bool add_channels(struct list_builder *b)
{
    const char *attributes = "";

    for (unsigned i = 0; i < b->line->count; i++) {
        const char *text = b->line->value[i];
        ULONG64 channel;
        if (i == 0)
            text = after_colon(text, &attributes);
        if (!inf_number64(text, &channel) || channel > 7)
            return inf_fail(b->scope->plan->error, b->line->number, "'%s' is no DMA channel", text);
        IO_RESOURCE_DESCRIPTOR *d =
            add(b, CmResourceTypeDma, CmResourceShareDeviceExclusive, dma_flags(attributes), i != 0);
        if (d == NULL)
            return false;
        d->u.Dma.MinimumChannel = d->u.Dma.MaximumChannel = (ULONG)channel;
    }
    return true;
}

/* ---- sections ---- */

static bool add_entry(struct list_builder *b)
{
    const char *key = b->line->key != NULL ? b->line->key : "";

    if (inf_same(key, "IOConfig"))
        return add_ranges(b, false);
    if (inf_same(key, "MemConfig"))
        return add_ranges(b, true);
    if (inf_same(key, "IRQConfig"))
        return add_interrupts(b);
    if (inf_same(key, "DMAConfig"))
        return add_channels(b);
    if (!inf_same(key, "ConfigPriority"))
        inf_plan_note(b->scope->plan, b->line->number, "%s is for a bus that is not here",
                      *key != '\0' ? key : inf_value(b->line, 0));
    return true;
}

static int priority_of(struct inf_scope *scope, const struct inf_section *section)
{
    static const char *const names[] = {"DESIRED", "NORMAL", "SUBOPTIMAL", "HARDRECONFIG", "HARDWIRED",
                                        "RESTART", "REBOOT", "POWEROFF",   "DISABLED"};
    const struct inf_line *line = inf_find(section, "ConfigPriority", NULL);

    for (unsigned i = 0; line != NULL && i < countof(names); i++)
        if (inf_same(inf_value(line, 0), names[i]))
            return (int)i;
    if (line == NULL)
        return 1;
    inf_fail(scope->plan->error, line->number, "'%s' is no priority", inf_value(line, 0));
    return -1;
}

/* The sections that all LogConfig lines of the install section name, the most wanted first. */
static int collect(struct inf_scope *scope, const struct inf_section **sections)
{
    int priorities[MAX_LISTS], count = 0;

    for (const struct inf_line *line = inf_find(scope->section, "LogConfig", NULL); line != NULL;
         line = inf_find(scope->section, "LogConfig", line))
        for (unsigned i = 0; i < line->count && count < MAX_LISTS; i++) {
            const struct inf_section *section = inf_named_section(scope, line, line->value[i]);
            int priority = section != NULL ? priority_of(scope, section) : 0, at = count;
            if (priority < 0)
                return -1;
            if (section == NULL)
                continue;
            for (; at > 0 && priorities[at - 1] > priority; at--)
                sections[at] = sections[at - 1], priorities[at] = priorities[at - 1];
            sections[at] = section;
            priorities[at] = priority;
            count++;
        }
    return count;
}

static bool build_list(struct list_builder *b, const struct inf_section *section)
{
    for (b->line = section->first; b->line != NULL; b->line = b->line->next)
        if (!add_entry(b))
            return false;
    return true;
}

static ULONG append_list(UCHAR *to, const struct list_builder *b)
{
    IO_RESOURCE_LIST head = {.Version = 1, .Revision = 1, .Count = b->count};
    size_t head_bytes = offsetof(IO_RESOURCE_LIST, Descriptors);

    __builtin_memcpy(to, &head, head_bytes);
    __builtin_memcpy(to + head_bytes, b->descriptors, b->count * sizeof(*b->descriptors));
    return (ULONG)(head_bytes + b->count * sizeof(*b->descriptors));
}

static void put_step(struct inf_scope *scope, const struct inf_line *line, void *bytes, ULONG length,
                     unsigned lists)
{
    bool override = inf_same(scope->suffix, ".LogConfigOverride");
    struct inf_place place = {.key = INF_KEY_HARDWARE, .path = "LogConf", .kind = PLACE_OTHER};
    struct inf_step *step = inf_plan_step(scope->plan, &place, INF_SET, line->number);
    IO_RESOURCE_REQUIREMENTS_LIST head = {
        .ListSize = length, .InterfaceType = Isa, .AlternativeLists = lists};

    __builtin_memcpy(bytes, &head, offsetof(IO_RESOURCE_REQUIREMENTS_LIST, List));
    step->name = override ? "OverrideConfigVector" : "BasicConfigVector";
    step->type = REG_RESOURCE_REQUIREMENTS_LIST;
    step->data = bytes;
    step->length = length;
}

bool inf_log_config(struct inf_scope *scope, const struct inf_line *line)
{
    const struct inf_section *sections[MAX_LISTS];
    struct list_builder b = {.scope = scope};

    if (line != inf_find(scope->section, "LogConfig", NULL))
        return true; /* the first one stands for all */
    int count = collect(scope, sections);
    if (count <= 0)
        return count == 0;
    b.descriptors = inf_allocate(&scope->plan->memory, MAX_DESCRIPTORS * sizeof(*b.descriptors));
    UCHAR *bytes = inf_allocate(&scope->plan->memory,
                                sizeof(IO_RESOURCE_REQUIREMENTS_LIST) +
                                    (size_t)count * (16 + MAX_DESCRIPTORS * sizeof(*b.descriptors)));
    ULONG length = offsetof(IO_RESOURCE_REQUIREMENTS_LIST, List);
    for (int i = 0; i < count; i++) {
        b.count = 0;
        if (!build_list(&b, sections[i]))
            return false;
        length += append_list(bytes + length, &b);
    }
    put_step(scope, line, bytes, length, (unsigned)count);
    return true;
}
