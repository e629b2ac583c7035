/* SPDX-License-Identifier: MIT */
/*
 * ke_blocking_call: a host call that may block, made without a VP. A host
 * thread makes it on its own pthread and stack, at home. A system thread's is
 * made by a helper pthread; one that is about to start a call sees to it that
 * another waits for the next. In a simulated machine the one pthread makes it,
 * and the virtual clock stands still meanwhile.
 */
#include "ke/dispatch.h"
#include "ke/objects.h"

struct request {
    LIST_ENTRY link;
    void (*fn)(void *);
    void *arg;
    KEVENT done;
};

static LIST_ENTRY requests; /* dispatcher lock, as all of this */
static unsigned waiting;    /* helpers that wait for a request */
static uint32_t word;       /* futex: changes with every request */
static uint32_t stopping;
static struct helper {
    struct helper *next;
    host_thread *thread;
} * helpers; /* guarded by helpers_lock */
static rl_lock helpers_lock;

static void helper_main(void *unused);

static void add_helper(void)
{
    struct helper *helper = host_alloc(sizeof *helper);
    helper->thread = host_thread_create("ringless-block", helper_main, NULL);
    if (helper->thread == NULL) {
        host_free(helper);
        return;
    }
    rl_lock_acquire(&helpers_lock);
    helper->next = helpers;
    helpers = helper;
    rl_lock_release(&helpers_lock);
}

static struct request *take_request(bool *last_helper)
{
    struct request *request = NULL;
    dispatcher_acquire();
    if (!list_empty(&requests)) {
        request = container_of(list_remove_head(&requests), struct request, link);
        *last_helper = --waiting == 0;
        if (*last_helper)
            waiting++; /* of the one to be added */
    }
    dispatcher_release();
    return request;
}

static void serve(struct request *request)
{
    request->fn(request->arg);
    dispatcher_acquire();
    waiting++;
    request->done.Header.SignalState = 1;
    wait_test(&request->done.Header, 0);
    dispatcher_release();
}

static void helper_main(void *unused)
{
    bool last = false;
    (void)unused;
    arch_set_gs(NULL);
    while (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE)) {
        uint32_t seen = __atomic_load_n(&word, __ATOMIC_SEQ_CST);
        struct request *request = take_request(&last);
        if (request == NULL) {
            host_futex_wait(&word, seen, 0);
            continue;
        }
        if (last)
            add_helper();
        serve(request);
    }
}

static void call_by_helper(void (*fn)(void *), void *arg)
{
    struct request request = {.fn = fn, .arg = arg};
    KeInitializeEvent(&request.done, NotificationEvent, FALSE);
    dispatcher_acquire();
    list_insert_tail(&requests, &request.link);
    __atomic_add_fetch(&word, 1, __ATOMIC_SEQ_CST);
    dispatcher_release();
    host_futex_wake(&word, 1);
    wait_for_object(&request.done.Header);
}

/* The context goes home with the lock held, as if to wait; it is made ready when the call is done. */
static void call_at_home(struct ke_thread *thread, void (*fn)(void *), void *arg)
{
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    dispatcher_acquire();
    struct vp *vp = vp_current();
    vp->carrier->blocking_fn = fn;
    vp->carrier->blocking_argument = arg;
    if (!ke_simulated)
        thread->state = KE_WAITING;
    thread->progress++;
    thread->wait_count = 0;
    thread->wait_irql = DISPATCH_LEVEL; /* no APC ends this wait */
    carrier_go_home(vp, HOME_BLOCKING);
    dispatcher_release();
    ke_lower_irql(irql);
}

void ke_blocking_call(void (*fn)(void *), void *arg)
{
    struct ke_thread *thread = ke_thread();
    if (ke_irql() >= DISPATCH_LEVEL)
        bugcheck_sentence(IRQL_NOT_LESS_OR_EQUAL, (uintptr_t)thread, ke_irql(), 0, 0,
                          "a call that may block was attempted at DISPATCH_LEVEL or above");
    if (ke_simulated || thread->host != NULL)
        call_at_home(thread, fn, arg);
    else
        call_by_helper(fn, arg);
}

NTSTATUS blocking_init(void)
{
    list_init(&requests);
    stopping = 0;
    helpers = NULL;
    waiting = 0;
    if (ke_simulated)
        return STATUS_SUCCESS;
    waiting = 1;
    add_helper();
    return helpers != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* A helper whose host call does not return is waited for: the embedder ends what it started. */
void blocking_fini(void)
{
    __atomic_store_n(&stopping, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&word, 1, __ATOMIC_SEQ_CST);
    host_futex_wake(&word, INT32_MAX);
    while (helpers != NULL) {
        struct helper *helper = helpers;
        helpers = helper->next;
        host_thread_join(helper->thread);
        host_free(helper);
    }
}
