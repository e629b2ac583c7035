/* SPDX-License-Identifier: MIT */
/*
 * The pool block of a failure: what it is, where in it the address lies, who
 * allocated it and who freed it.
 */
#include "vf/report.h"

static void add_tag(struct vf_text *text, ULONG tag)
{
    for (unsigned i = 0; i < 4; i++, tag >>= 8) {
        char character = (char)(tag & 0x7F);
        vf_text_add(text, "%c", character >= ' ' && character <= '~' ? character : '.');
    }
}

void vf_add_block(struct vf_text *text, const void *address, size_t size, ULONG tag, bool paged)
{
    vf_add_address(text, (ULONG64)address);
    vf_text_add(text, ", %llu byte%s of %s pool, tag '", (unsigned long long)size, size == 1 ? "" : "s",
                paged ? "paged" : "nonpaged");
    add_tag(text, tag);
    vf_text_add(text, "'");
}

static void add_place(struct vf_text *text, const struct mm_pool_history *block, ULONG64 address)
{
    ULONG64 begin = (ULONG64)block->address, end = begin + block->size;
    if (address == begin)
        return;
    vf_text_add(text, "; ");
    vf_add_address(text, address);
    if (address < begin)
        vf_text_add(text, " is %llu before its first byte", (unsigned long long)(begin - address));
    else if (address >= end)
        vf_text_add(text, " is %llu behind its last byte", (unsigned long long)(address - end + 1));
    else
        vf_text_add(text, " is its byte %llu", (unsigned long long)(address - begin));
}

static void add_who(struct vf_text *text, const char *what, const struct mm_pool_stack *stack)
{
    char words[VF_DESCRIPTION];
    if (stack->count == 0)
        return;
    vf_text_add(text, "    %s", what);
    if (stack->count == 1 && vf_is_host_address(stack->frames[0])) {
        vf_text_add(text, " by the runtime\n");
        return;
    }
    if (stack->thread != 0)
        vf_text_add(text, " by thread %u", stack->thread);
    vf_text_add(text, " at\n");
    for (unsigned i = 0; i < stack->count; i++) {
        vf_describe(stack->frames[i], words, sizeof(words));
        vf_text_add(text, "      %s\n",
                    vf_is_host_address(stack->frames[i]) && words[0] == '0' ? "(the runtime)" : words);
    }
}

/* What was freed or written to may be said apart from the block: 0xC1 has the damaged byte in parameter 2. */
static ULONG64 address_of(const struct ke_bugcheck_info *info)
{
    const EXCEPTION_RECORD *record = &info->exception;
    if (info->pool == NULL && record->ExceptionCode == STATUS_ACCESS_VIOLATION &&
        record->NumberParameters >= 2)
        return record->ExceptionInformation[1];
    if (info->code == SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION && info->p[3] >= 0x23)
        return info->p[1];
    return (ULONG64)info->pool;
}

void vf_add_pool(struct vf_text *text, const struct ke_bugcheck_info *info)
{
    struct mm_pool_history block;
    ULONG64 address = address_of(info);
    if (address == 0 || !vf_pool_history((const void *)address, &block))
        return;
    vf_text_add(text, "  pool block:    ");
    vf_add_block(text, block.address, block.size, block.tag, block.paged);
    vf_text_add(text, block.freed ? ", freed" : "");
    add_place(text, &block, address);
    vf_text_add(text, "\n");
    add_who(text, "allocated", &block.allocated_by);
    if (block.freed)
        add_who(text, "freed", &block.freed_by);
}

void vf_add_missed(struct vf_text *text)
{
    ULONG64 missed = vf_special_missed();
    if (missed != 0)
        vf_text_add(text,
                    "  special pool:  was full for %llu block%s, which only have a pattern around them\n",
                    (unsigned long long)missed, missed == 1 ? "" : "s");
}
