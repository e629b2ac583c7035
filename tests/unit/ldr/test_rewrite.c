/* SPDX-License-Identifier: MIT */
/*
 * Rewritten code does what ring 0 would have done, in every awkward place of
 * code.S, with the machine played by the tables below.
 */
#include "ldr_test.h"
#include "pe_builder.h"
#include "ldr/image.h"
#include "nt/nt.h"

#include <signal.h>
#include <string.h>
#include <cpuid.h>
#include <immintrin.h>

extern const char code_start[], code_end[], code_text[];
void call_with_registers(const void *routine);

struct registers {
    ULONG64 general[15]; /* rax rcx rdx rbx rbp rsi rdi r8-r15 */
    UCHAR vectors[16][32];
};
_Static_assert(offsetof(struct registers, vectors) == 120, "as code.S has it");
struct registers registers_in, registers_out;
int registers_avx;

#define DECLARE(name) extern const char name[]
DECLARE(code_read_cr8);
DECLARE(code_read_cr8_r9);
DECLARE(code_write_cr8);
DECLARE(code_write_cr8_rsi);
DECLARE(code_loop);
DECLARE(code_crowded);
DECLARE(code_gap);
DECLARE(code_rip_relative);
DECLARE(code_short_branch);
DECLARE(code_jrcxz);
DECLARE(code_call_neighbour);
DECLARE(code_flags);
DECLARE(code_save_flags);
DECLARE(code_popf);
DECLARE(code_in);
DECLARE(code_in_immediate);
DECLARE(code_out);
DECLARE(code_insb);
DECLARE(code_outsw);
DECLARE(code_rdmsr);
DECLARE(code_wrmsr);
DECLARE(code_cpuid);
DECLARE(code_rdtsc);
DECLARE(code_rdtscp);
DECLARE(code_xgetbv);
DECLARE(code_cr0);
DECLARE(code_sidt);
DECLARE(code_smsw);
DECLARE(code_hlt);
DECLARE(code_wbinvd);
DECLARE(code_shared_data);
DECLARE(code_shared_moffs);
DECLARE(code_switch);
DECLARE(code_opaque);
DECLARE(code_all_registers);

static const char *const routines[] = {
    code_gap,
    code_read_cr8,
    code_read_cr8_r9,
    code_write_cr8,
    code_write_cr8_rsi,
    code_loop,
    code_crowded,
    code_rip_relative,
    code_short_branch,
    code_jrcxz,
    code_call_neighbour,
    code_flags,
    code_save_flags,
    code_popf,
    code_in,
    code_in_immediate,
    code_out,
    code_insb,
    code_outsw,
    code_rdmsr,
    code_wrmsr,
    code_cpuid,
    code_rdtsc,
    code_rdtscp,
    code_xgetbv,
    code_cr0,
    code_sidt,
    code_smsw,
    code_hlt,
    code_wbinvd,
    code_shared_data,
    code_shared_moffs,
    code_switch,
    code_opaque,
    code_all_registers,
};

/* ---- the machine ---- */

static KPCR pcr __attribute__((aligned(64)));
static UCHAR shared_page[PAGE_SIZE] __attribute__((aligned(4096)));
static bool interrupts;
static unsigned flag_changes, halts;
static struct {
    USHORT port;
    ULONG value;
    unsigned width;
} writes[16];
static unsigned write_count;
static ULONG64 msr_written;

static ULONG port_read(USHORT port, unsigned width)
{
    return port == 0x60 ? 0x44332211u + (width << 4) : port == 0x71 ? 0x5A : 0;
}

static void port_write(USHORT port, ULONG value, unsigned width)
{
    writes[write_count].port = port;
    writes[write_count].value = value;
    writes[write_count++].width = width;
}

static bool msr_read(ULONG msr, uint64_t *value)
{
    *value = 0x1111222233334444ull + msr;
    return msr != 0xBAD;
}

static bool msr_write(ULONG msr, uint64_t value)
{
    msr_written = value + msr;
    return true;
}

static uint64_t tsc(void)
{
    return 0x123456789Aull;
}

/* Ends with what the C library's copies end with: the upper halves of the vector registers are gone. */
__attribute__((target("avx"))) static void spoil_vectors(void)
{
    _mm256_zeroall();
}

static void set_interrupt_flag(bool enabled)
{
    interrupts = enabled;
    flag_changes++;
    if (registers_avx)
        spoil_vectors();
}

static bool interrupt_flag(void)
{
    return interrupts;
}

static void set_cr8(uint64_t irql)
{
    pcr.Irql = (KIRQL)irql;
    pcr.Prcb.NestingLevel++; /* counts the calls */
}

static uint64_t control_read(unsigned number)
{
    return 0x80050030u + number;
}

static bool control_write(unsigned number, uint64_t value)
{
    return false;
}

static void halt(void)
{
    halts++;
}

static void *user_shared_data(void)
{
    return shared_page;
}

/* ---- the image ---- */

static struct pe_builder pe;
static struct ldr_image *image;
static ULONG text_rva;

static void *at(const char *routine)
{
    return (char *)image->base + text_rva + (routine - code_start);
}

typedef ULONG64(NTAPI *routine2)(ULONG64, ULONG64, ULONG64);

static ULONG64 call(const char *routine, ULONG64 a, ULONG64 b, ULONG64 c)
{
    return ((routine2)at(routine))(a, b, c);
}

static void build(void)
{
    const char *names[countof(routines) + 1];
    static char text[countof(routines)][8];
    ULONG rvas[countof(routines)], data, fixups[1];
    ULONGLONG pointer;

    pe_begin(&pe);
    text_rva = pe_section(&pe, ".text", PE_CODE, code_start, (ULONG)(code_end - code_start));
    for (unsigned i = 0; i < countof(routines); i++) {
        host_snprintf(text[i], sizeof(text[i]), "f%02u", i);
        names[i] = text[i];
        rvas[i] = text_rva + (ULONG)(routines[i] - code_start);
    }
    names[countof(routines)] = NULL;
    pe_exports(&pe, "code.sys", names, rvas);
    pointer = PE_BASE + text_rva + (ULONG64)(code_text - code_start);
    data = pe_section(&pe, ".data", PE_DATA, &pointer, sizeof(pointer));
    fixups[0] = data;
    pe_fixups(&pe, fixups, 1);
    pe.nt->OptionalHeader.AddressOfEntryPoint = rvas[0];
}

static void load(bool deterministic, bool checked)
{
    struct ldr_load_options options = {
        .name = "code.sys", .deterministic = deterministic, .checked_gates = checked};
    struct ldr_error error;

    build();
    image = ldr_load(pe.bytes, pe.length, &options, &error);
    if (image == NULL)
        fail_msg("%s", error.text);
}

static int set_up(void **state)
{
    machine_ops = (struct machine_ops){.port_read = port_read,
                                       .port_write = port_write,
                                       .msr_read = msr_read,
                                       .msr_write = msr_write,
                                       .tsc = tsc,
                                       .set_interrupt_flag = set_interrupt_flag,
                                       .interrupt_flag = interrupt_flag,
                                       .set_cr8 = set_cr8,
                                       .control_register_read = control_read,
                                       .control_register_write = control_write,
                                       .halt = halt};
    rewrite_targets.user_shared_data = user_shared_data;
    pcr.Self = &pcr;
    pcr.IdtBase = (void *)0x1234567890;
    pcr.Prcb.Number = 3;
    arch_set_gs(&pcr);
    load(true, true);
    return 0;
}

static int tear_down(void **state)
{
    ldr_unload(image);
    return 0;
}

static void everything_is_found(void **state)
{
    const struct rewrite_state *rewrite = &ldr_private(image)->rewrite;

    assert_int_equal(rewrite->shared_data, 2);
    assert_true(rewrite->sites >= 40);
    assert_int_equal(rewrite->trap_count, 2); /* code_crowded, code_opaque */
    assert_int_equal(rewrite->patched + rewrite->trap_count <= rewrite->sites, 1);
}

static void text_in_the_code_section_stays(void **state)
{
    assert_memory_equal(at(code_text), code_text, 13);
}

static void irql_is_read_and_written(void **state)
{
    pcr.Irql = 2;
    assert_int_equal(call(code_read_cr8, 0, 0, 0), 2);
    pcr.Irql = 13;
    assert_int_equal(call(code_read_cr8_r9, 0, 0, 0), 13);
    assert_int_equal(call(code_write_cr8, 5, 0, 0), 7);
    assert_int_equal(pcr.Irql, 5);
    call(code_write_cr8_rsi, 0, 0, 0);
    assert_int_equal(pcr.Irql, 0);
}

static void raising_needs_no_call(void **state)
{
    ldr_unload(image);
    load(false, false);
    pcr.Irql = 0;
    pcr.Prcb.NestingLevel = 0;
    call(code_write_cr8, 2, 0, 0);
    assert_int_equal(pcr.Irql, 2);
    call(code_write_cr8_rsi, 9, 0, 0);
    assert_int_equal(pcr.Irql, 9);
    assert_int_equal(pcr.Prcb.NestingLevel, 0);
    assert_int_equal(call(code_write_cr8, 1, 0, 0), 7);
    assert_int_equal(pcr.Irql, 1);
    call(code_write_cr8_rsi, 0, 0, 0);
    assert_int_equal(pcr.Irql, 0);
    assert_int_equal(pcr.Prcb.NestingLevel, 2);
    ldr_unload(image);
    load(true, true);
}

static void lowering_asks_what_is_pending(void **state)
{
    enum { PENDING = offsetof(KPCR, Prcb.PrcbLock) };
    ULONG *pending = (ULONG *)((char *)&pcr + PENDING);

    ldr_unload(image);
    rewrite_targets.pending_offset = PENDING;
    load(false, false);
    pcr.Prcb.NestingLevel = 0;
    pcr.Irql = 2;
    *pending = 0;
    assert_int_equal(call(code_write_cr8, 0, 0, 0), 7);
    assert_int_equal(pcr.Irql, 0);
    assert_int_equal(pcr.Prcb.NestingLevel, 0);
    *pending = 4;
    pcr.Irql = 2;
    call(code_write_cr8_rsi, 1, 0, 0);
    assert_int_equal(pcr.Irql, 1);
    assert_int_equal(pcr.Prcb.NestingLevel, 1);
    call(code_write_cr8, 2, 0, 0); /* raising does not ask */
    assert_int_equal(pcr.Prcb.NestingLevel, 1);
    *pending = 0;
    rewrite_targets.pending_offset = 0;
    ldr_unload(image);
    load(true, true);
}

static void an_image_at_its_own_base_is_patched_too(void **state)
{
    struct ldr_load_options options = {.name = "fixed.sys", .deterministic = true};
    struct ldr_error error;
    struct ldr_image *usual = image;

    build();
    pe_directory(&pe, IMAGE_DIRECTORY_ENTRY_BASERELOC, 0, 0);
    pe.nt->FileHeader.Characteristics |= IMAGE_FILE_RELOCS_STRIPPED;
    pe.nt->OptionalHeader.ImageBase = 0x320000000000;
    image = ldr_load(pe.bytes, pe.length, &options, &error);
    assert_non_null(image);
    assert_true(ldr_private(image)->rewrite.patched > 20);
    assert_int_equal(call(code_rip_relative, 0, 0x60, 0), 0x1122334455667788);
    ldr_unload(image);
    image = usual;
}

static void a_branch_target_may_begin_a_window(void **state)
{
    interrupts = true;
    flag_changes = 0;
    assert_int_equal(call(code_loop, 5, 0, 0), 5);
    assert_int_equal(flag_changes, 6);
    assert_true(interrupts);
}

static void neighbours_keep_their_meaning(void **state)
{
    assert_int_equal(call(code_rip_relative, 0, 0x60, 0), 0x1122334455667788);
    assert_int_equal(call(code_short_branch, 0x60, 0, 0), 100);
    assert_int_equal(call(code_short_branch, 0x62, 0, 0), 200);
    assert_int_equal(call(code_jrcxz, 0, 0, 0), 5);
    assert_true(interrupts);
    assert_int_equal(call(code_jrcxz, 1, 0, 0), 6);
    assert_false(interrupts);
    assert_int_equal(call(code_call_neighbour, 39, 0, 0), 42);
}

static void a_short_gap_hops(void **state)
{
    const UCHAR *gap = at(code_gap);

    assert_int_equal(gap[0], 0xE9); /* the donor */
    assert_int_equal(gap[5], 0xE9); /* the hop */
    assert_int_equal(call(code_gap, 5, 0x60, 0), 5 + 8 + 7 + 5);
    assert_int_equal(call(code_gap, 0, 0x60, 0), 0 + 8 + 7 + 0x21);
}

static void flags_survive(void **state)
{
    assert_int_equal(call(code_flags, 1, 2, 0), 2);
    assert_int_equal(call(code_flags, 2, 1, 0), 1);
}

static void the_interrupt_flag_is_virtual(void **state)
{
    interrupts = true;
    assert_int_equal(call(code_save_flags, 0, 0, 0) & 0x200, 0);
    assert_true(interrupts);
    interrupts = false;
    call(code_save_flags, 0, 0, 0);
    assert_false(interrupts);
    call(code_popf, 0x40202, 0, 0); /* with AC, which must not reach ring 3 */
    assert_true(interrupts);
    assert_int_equal(__builtin_ia32_readeflags_u64() & 0x40000, 0);
    call(code_popf, 0x2, 0, 0);
    assert_false(interrupts);
}

static void ports_of_every_width(void **state)
{
    ULONG64 all = call(code_in, 0x60, 0, 0);

    assert_int_equal(all & 0xFF, 0x21);
    assert_int_equal(all >> 8 & 0xFFFF, 0x2231);
    assert_int_equal(all >> 32, 0x44332251);
    assert_int_equal(call(code_in_immediate, 0, 0, 0), 0x5A);
    write_count = 0;
    call(code_out, 0x378, 0xAABBCCDD, 0);
    assert_int_equal(write_count, 4);
    assert_int_equal(writes[0].value, 0xDD);
    assert_int_equal(writes[1].value, 0xCCDD);
    assert_int_equal(writes[2].value, 0xAABBCCDD);
    assert_int_equal(writes[2].port, 0x378);
    assert_int_equal(writes[3].port, 0x70);
    assert_int_equal(writes[3].width, 1);
}

static void strings_of_ports(void **state)
{
    UCHAR buffer[8] = {0};
    USHORT words[3] = {0x1111, 0x2222, 0x3333};

    assert_int_equal(call(code_insb, (uintptr_t)buffer, 0x60, 5), 0);
    assert_memory_equal(buffer, "\x21\x21\x21\x21\x21\0\0", 7);
    write_count = 0;
    assert_int_equal(call(code_outsw, (uintptr_t)words, 0x378, 3), (uintptr_t)(words + 3));
    assert_int_equal(write_count, 3);
    assert_int_equal(writes[2].value, 0x3333);
    assert_int_equal(writes[2].width, 2);
}

static void msrs(void **state)
{
    assert_int_equal(call(code_rdmsr, 0x10, 0, 0), 0x1111222233334454ull);
    call(code_wrmsr, 0x174, 0x8877665544332211ull, 0);
    assert_int_equal(msr_written, 0x8877665544332211ull + 0x174);
}

static sigjmp_buf trapped;
static ULONG64 trapped_at;

static void on_trap(int signal, siginfo_t *info, void *context)
{
    trapped_at = (ULONG64)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    siglongjmp(trapped, 1);
}

static void a_refused_msr_faults_at_the_instruction(void **state)
{
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO}, old;

    sigaction(SIGSEGV, &action, &old);
    trapped_at = 0;
    if (sigsetjmp(trapped, 1) == 0)
        call(code_rdmsr, 0xBAD, 0, 0);
    sigaction(SIGSEGV, &old, NULL);
    assert_int_not_equal(trapped_at, 0);
    assert_int_equal(image->arch.thunk_to_original(&image->arch, trapped_at), (uintptr_t)at(code_rdmsr));
    assert_ptr_equal(ldr_find((void *)trapped_at), image);
}

static void the_deterministic_processor(void **state)
{
    ULONG out[4];
    ULONG64 xcr0;

    call(code_cpuid, 0, (uintptr_t)out, 0);
    assert_memory_equal(&out[1], "Genu", 4);
    call(code_cpuid, 1, (uintptr_t)out, 0);
    assert_int_equal(out[1] >> 24, 3);
    assert_int_equal(out[2] & (1u << 27), 0);
    assert_int_equal(call(code_rdtsc, 0, 0, 0), 0x123456789Aull);
    assert_int_equal(call(code_rdtscp, 0, 0, 0), 3);
    xcr0 = call(code_xgetbv, 0, 0, 0);
    assert_int_equal(xcr0 & 0xFFFFFFFF, 3);
}

static void the_real_processor_otherwise(void **state)
{
    ULONG out[4], real[4];

    ldr_unload(image);
    load(false, false);
    call(code_cpuid, 0, (uintptr_t)out, 0);
    __cpuid(0, real[0], real[1], real[2], real[3]);
    assert_memory_equal(out, real, sizeof(real));
    assert_int_not_equal(call(code_rdtsc, 0, 0, 0), 0x123456789Aull);
    ldr_unload(image);
    load(true, true);
}

static void system_registers(void **state)
{
    assert_int_equal(call(code_cr0, 0, 0, 0), 0x80050030);
    assert_int_equal(call(code_sidt, 0, 0, 0), 0x1234567890);
    assert_int_equal(call(code_smsw, 0, 0, 0), 0x80050030);
    halts = 0;
    call(code_hlt, 0, 0, 0);
    assert_int_equal(halts, 1);
    assert_int_equal(call(code_wbinvd, 0, 0, 0), 9);
}

static void shared_data(void **state)
{
    *(ULONG64 *)(shared_page + 0x320) = 0xFEDCBA9876543210ull;
    *(ULONG *)(shared_page + 0x14) = 0x600DF00D;
    assert_int_equal(call(code_shared_data, 0, 0, 0), 0xFEDCBA9876543210ull);
    assert_int_equal(call(code_shared_moffs, 0, 0, 0) & 0xFFFFFFFF, 0x600DF00D);
}

static void the_cases_of_a_switch_are_code(void **state)
{
    interrupts = true;
    assert_int_equal(call(code_switch, 0, 0, 0), 20);
    assert_false(interrupts);
    assert_int_equal(call(code_switch, 1, 0, 0), 20);
    assert_int_equal(call(code_switch, 2, 0, 0), 40);
    assert_true(interrupts);
    assert_int_equal(call(code_switch, 3, 0, 0), 40);
    assert_int_equal((LONG)call(code_switch, 4, 0, 0), -1);
}

static void crowded_sites_trap(void **state)
{
    const UCHAR *crowded = at(code_crowded);
    CONTEXT context = {.Rip = (uintptr_t)crowded + 6, .EFlags = 0x202};
    EXCEPTION_RECORD record = {.ExceptionCode = STATUS_PRIVILEGED_INSTRUCTION};

    assert_int_equal(crowded[6], 0xF4);
    interrupts = true;
    assert_true(rewrite_emulate(&record, &context));
    assert_false(interrupts);
    assert_int_equal(context.Rip, (uintptr_t)crowded + 7);
}

static void silent_sites_of_an_opaque_function_trap(void **state)
{
    ULONG64 stack[2] = {0x246, 0};
    const UCHAR *code = at(code_opaque);
    CONTEXT context = {.EFlags = 0x202, .Rsp = (uintptr_t)stack};
    EXCEPTION_RECORD record = {.ExceptionCode = STATUS_PRIVILEGED_INSTRUCTION};

    while (*code != 0xF4)
        code++;
    context.Rip = (uintptr_t)code;
    interrupts = false;
    assert_true(rewrite_emulate(&record, &context));
    assert_true(interrupts);
    assert_int_equal(context.Rip, (uintptr_t)code + 1);
    assert_int_equal(context.Rsp, (uintptr_t)(stack + 1));
    assert_int_equal(context.EFlags & 0x44, 0x44);
}

static void every_register_survives(void **state)
{
    for (unsigned i = 0; i < sizeof(registers_in); i++)
        ((UCHAR *)&registers_in)[i] = (UCHAR)(i * 7 + 1);
    registers_avx = __builtin_cpu_supports("avx");
    call_with_registers(at(code_all_registers));
    registers_avx = 0;
    assert_memory_equal(registers_out.general, registers_in.general, sizeof(registers_in.general));
    for (unsigned i = 0; i < 16; i++)
        assert_memory_equal(registers_out.vectors[i], registers_in.vectors[i],
                            __builtin_cpu_supports("avx") ? 32 : 16);
}

static void thunks_map_back(void **state)
{
    const struct rewrite_state *rewrite = &ldr_private(image)->rewrite;

    for (ULONG i = 0; i < rewrite->map_count; i++) {
        ULONG64 thunk = rewrite->thunk_base + rewrite->map[i].thunk;
        ULONG64 original = rewrite->image_base + rewrite->map[i].original;
        assert_int_equal(rewrite_original(rewrite, thunk), original);
        if (rewrite->map[i].resumable)
            assert_int_equal(rewrite_resume(rewrite, original), thunk);
    }
    assert_int_equal(rewrite_original(rewrite, (uintptr_t)image->base), 0);
    assert_int_equal(rewrite_original(rewrite, 0), 0);
}

int run_rewrite_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_found),
        cmocka_unit_test(text_in_the_code_section_stays),
        cmocka_unit_test(irql_is_read_and_written),
        cmocka_unit_test(raising_needs_no_call),
        cmocka_unit_test(lowering_asks_what_is_pending),
        cmocka_unit_test(an_image_at_its_own_base_is_patched_too),
        cmocka_unit_test(a_branch_target_may_begin_a_window),
        cmocka_unit_test(neighbours_keep_their_meaning),
        cmocka_unit_test(a_short_gap_hops),
        cmocka_unit_test(flags_survive),
        cmocka_unit_test(the_interrupt_flag_is_virtual),
        cmocka_unit_test(ports_of_every_width),
        cmocka_unit_test(strings_of_ports),
        cmocka_unit_test(msrs),
        cmocka_unit_test(a_refused_msr_faults_at_the_instruction),
        cmocka_unit_test(the_deterministic_processor),
        cmocka_unit_test(the_real_processor_otherwise),
        cmocka_unit_test(system_registers),
        cmocka_unit_test(shared_data),
        cmocka_unit_test(the_cases_of_a_switch_are_code),
        cmocka_unit_test(crowded_sites_trap),
        cmocka_unit_test(silent_sites_of_an_opaque_function_trap),
        cmocka_unit_test(every_register_survives),
        cmocka_unit_test(thunks_map_back),
    };

    return cmocka_run_group_tests_name("rewrite", tests, set_up, tear_down);
}
