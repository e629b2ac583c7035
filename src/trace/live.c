/* SPDX-License-Identifier: MIT */
/* Where the running code is, for the trace: processor, thread, time since the trace began. */
#include "host/host.h"
#include "trace/internal.h"

void trace_thread_facts(const void *object, struct trace_thread_facts *facts)
{
    const struct ke_thread *thread = object;
    *facts = (struct trace_thread_facts){
        .id = thread->id, .name = thread->name, .idle = ke_on_vp() && thread == ke_vp()->idle};
}

int trace_vp(void)
{
    return ke_on_vp() ? (int)ke_vp()->number : -1;
}

uint64_t trace_caller(uint64_t address)
{
    return ke_on_vp() && ldr_find((const void *)address) == NULL ? (uint64_t)mm_caller((const void *)address)
                                                                 : address;
}

void trace_where(struct trace_where *where)
{
    struct trace_thread_facts facts = {0};
    bool on_vp = ke_on_vp();
    if (on_vp)
        trace_thread_facts(ke_thread(), &facts);
    *where = (struct trace_where){.ns = host_counter_ns(),
                                  .vp = on_vp ? (int)ke_vp()->number : -1,
                                  .thread = facts.id,
                                  .thread_name = facts.name,
                                  .idle = facts.idle};
}
