/* SPDX-License-Identifier: MIT */
/*
 * The trap fallback on memory: each instruction is run by the processor on RAM
 * and by the emulator on a device page with the same bytes, from the same
 * registers; registers, flags and memory must come out alike.
 */
#include "ldr_test.h"
#include "arch/rewrite.h"
#include "host/memory.h"
#include "nt/nt.h"

#include <string.h>

#define DEVICE_PFN 0xFEB00
#define MIDDLE     0x800  /* operands lie here, with room around them */
#define FLAGS_MASK 0x8C5u /* AF is undefined after logical operations */
#define KUSER_VA   0xFFFFF78000000000ull

void call_with_registers(const void *routine);
struct registers {
    ULONG64 general[15]; /* rax rcx rdx rbx rbp rsi rdi r8-r15 */
    UCHAR vectors[16][32];
};
_Static_assert(offsetof(struct registers, vectors) == 120, "as code.S has it");
extern struct registers registers_in, registers_out;

enum { IN_RAX, IN_RCX, IN_RDX, IN_RBX, IN_RBP, IN_RSI, IN_RDI, IN_R8, IN_R15 = 14 };

struct sample {
    const char *name;
    UCHAR length;
    UCHAR bytes[10];
};

/* The memory operand is [rcx]; edx and rax are the registers. */
static const struct sample samples[] = {
    {"mov al,[m]", 2, {0x8A, 0x01}},
    {"mov ah,[m]", 2, {0x8A, 0x21}},
    {"mov ax,[m]", 3, {0x66, 0x8B, 0x01}},
    {"mov eax,[m]", 2, {0x8B, 0x01}},
    {"mov rax,[m]", 3, {0x48, 0x8B, 0x01}},
    {"mov r8d,[m+8]", 4, {0x44, 0x8B, 0x41, 0x08}},
    {"mov [m],ah", 2, {0x88, 0x21}},
    {"mov [m],sil", 3, {0x40, 0x88, 0x31}},
    {"mov [m],r8b", 3, {0x44, 0x88, 0x01}},
    {"mov [m],ax", 3, {0x66, 0x89, 0x01}},
    {"mov [m],eax", 2, {0x89, 0x01}},
    {"mov [m],rax", 3, {0x48, 0x89, 0x01}},
    {"mov [m+rbx*2],eax", 3, {0x89, 0x04, 0x59}},
    {"mov byte [m],5A", 3, {0xC6, 0x01, 0x5A}},
    {"mov word [m],1234", 5, {0x66, 0xC7, 0x01, 0x34, 0x12}},
    {"mov qword [m],-2", 7, {0x48, 0xC7, 0x01, 0xFE, 0xFF, 0xFF, 0xFF}},
    {"movnti [m],edx", 3, {0x0F, 0xC3, 0x11}},
    {"movzx eax,byte", 3, {0x0F, 0xB6, 0x01}},
    {"movzx eax,word", 3, {0x0F, 0xB7, 0x01}},
    {"movzx rax,byte", 4, {0x48, 0x0F, 0xB6, 0x01}},
    {"movsx eax,byte", 3, {0x0F, 0xBE, 0x01}},
    {"movsx rax,byte", 4, {0x48, 0x0F, 0xBE, 0x01}},
    {"movsx eax,word", 3, {0x0F, 0xBF, 0x01}},
    {"movsx ax,byte", 4, {0x66, 0x0F, 0xBE, 0x01}},
    {"movsxd rax,[m]", 3, {0x48, 0x63, 0x01}},
    {"add [m],dl", 2, {0x00, 0x11}},
    {"add [m],dx", 3, {0x66, 0x01, 0x11}},
    {"add [m],edx", 2, {0x01, 0x11}},
    {"add [m],rdx", 3, {0x48, 0x01, 0x11}},
    {"add edx,[m]", 2, {0x03, 0x11}},
    {"add rdx,[m]", 3, {0x48, 0x03, 0x11}},
    {"adc [m],edx", 2, {0x11, 0x11}},
    {"adc rdx,[m]", 3, {0x48, 0x13, 0x11}},
    {"sbb [m],edx", 2, {0x19, 0x11}},
    {"sbb dl,[m]", 2, {0x1A, 0x11}},
    {"sub [m],edx", 2, {0x29, 0x11}},
    {"sub rdx,[m]", 3, {0x48, 0x2B, 0x11}},
    {"and [m],edx", 2, {0x21, 0x11}},
    {"or [m],rdx", 3, {0x48, 0x09, 0x11}},
    {"xor edx,[m]", 2, {0x33, 0x11}},
    {"cmp [m],dl", 2, {0x38, 0x11}},
    {"cmp [m],edx", 2, {0x39, 0x11}},
    {"cmp rdx,[m]", 3, {0x48, 0x3B, 0x11}},
    {"test [m],edx", 2, {0x85, 0x11}},
    {"test byte [m],80", 3, {0xF6, 0x01, 0x80}},
    {"test dword [m],imm", 6, {0xF7, 0x01, 0x00, 0x00, 0x00, 0x80}},
    {"and byte [m],F0", 3, {0x80, 0x21, 0xF0}},
    {"or dword [m],-16", 3, {0x83, 0x09, 0xF0}},
    {"xor qword [m],-1", 4, {0x48, 0x83, 0x31, 0xFF}},
    {"add dword [m],imm", 6, {0x81, 0x01, 0x78, 0x56, 0x34, 0x12}},
    {"cmp byte [m],7F", 3, {0x80, 0x39, 0x7F}},
    {"inc byte [m]", 2, {0xFE, 0x01}},
    {"inc dword [m]", 2, {0xFF, 0x01}},
    {"dec qword [m]", 3, {0x48, 0xFF, 0x09}},
    {"neg dword [m]", 2, {0xF7, 0x19}},
    {"not byte [m]", 2, {0xF6, 0x11}},
    {"xchg [m],edx", 2, {0x87, 0x11}},
    {"xchg [m],dl", 2, {0x86, 0x11}},
    {"xchg [m],rdx", 3, {0x48, 0x87, 0x11}},
    {"lock xadd [m],edx", 4, {0xF0, 0x0F, 0xC1, 0x11}},
    {"xadd [m],rdx", 4, {0x48, 0x0F, 0xC1, 0x11}},
    {"lock cmpxchg [m],edx", 4, {0xF0, 0x0F, 0xB1, 0x11}},
    {"cmpxchg [m],dl", 3, {0x0F, 0xB0, 0x11}},
    {"lock add dword [m],1", 4, {0xF0, 0x83, 0x01, 0x01}},
    {"bt dword [m],5", 4, {0x0F, 0xBA, 0x21, 0x05}},
    {"bts dword [m],21", 4, {0x0F, 0xBA, 0x29, 0x15}},
    {"btr dword [m],3", 4, {0x0F, 0xBA, 0x31, 0x03}},
    {"btc qword [m],40", 5, {0x48, 0x0F, 0xBA, 0x39, 0x28}},
    {"bt [m],ebx", 3, {0x0F, 0xA3, 0x19}},
    {"bts [m],ebx", 3, {0x0F, 0xAB, 0x19}},
    {"movups xmm0,[m]", 3, {0x0F, 0x10, 0x01}},
    {"movups [m],xmm1", 3, {0x0F, 0x11, 0x09}},
    {"movdqu xmm0,[m]", 4, {0xF3, 0x0F, 0x6F, 0x01}},
    {"movdqa [m],xmm2", 4, {0x66, 0x0F, 0x7F, 0x11}},
    {"movaps xmm9,[m]", 4, {0x44, 0x0F, 0x28, 0x09}},
    {"movq xmm0,[m]", 4, {0xF3, 0x0F, 0x7E, 0x01}},
    {"movq [m],xmm1", 4, {0x66, 0x0F, 0xD6, 0x09}},
    {"movd xmm0,[m]", 4, {0x66, 0x0F, 0x6E, 0x01}},
    {"movd [m],xmm1", 4, {0x66, 0x0F, 0x7E, 0x09}},
    {"movss xmm0,[m]", 4, {0xF3, 0x0F, 0x10, 0x01}},
    {"movsd xmm0,[m]", 4, {0xF2, 0x0F, 0x10, 0x01}},
    {"movsd [m],xmm1", 4, {0xF2, 0x0F, 0x11, 0x09}},
    {"movlps xmm0,[m]", 3, {0x0F, 0x12, 0x01}},
    {"movhps xmm0,[m]", 3, {0x0F, 0x16, 0x01}},
    {"movhps [m],xmm1", 3, {0x0F, 0x17, 0x09}},
    {"ds mov eax,[m]", 3, {0x3E, 0x8B, 0x01}},
    {"lock or [m],edx", 3, {0xF0, 0x09, 0x11}},
    {"lock xor [m],dl", 3, {0xF0, 0x30, 0x11}},
    {"lock and qword [m],imm", 5, {0xF0, 0x48, 0x83, 0x21, 0x0F}},
    {"lock inc dword [m]", 3, {0xF0, 0xFF, 0x01}},
    {"lock dec qword [m]", 4, {0xF0, 0x48, 0xFF, 0x09}},
    {"lock not dword [m]", 3, {0xF0, 0xF7, 0x11}},
    {"lock neg dword [m]", 3, {0xF0, 0xF7, 0x19}},
    {"lock bts [m],ebx", 4, {0xF0, 0x0F, 0xAB, 0x19}},
    {"lock btr dword [m],3", 5, {0xF0, 0x0F, 0xBA, 0x31, 0x03}},
    {"btc [m],rbx", 4, {0x48, 0x0F, 0xBB, 0x19}},
    {"btr word [m],bx", 4, {0x66, 0x0F, 0xB3, 0x19}},
    {"cmpxchg [m],rdx", 4, {0x48, 0x0F, 0xB1, 0x11}},
    {"cmpxchg [m],dx", 4, {0x66, 0x0F, 0xB1, 0x11}},
    {"shl dword [m],5", 3, {0xC1, 0x21, 0x05}},
    {"shl dword [m],1", 2, {0xD1, 0x21}},
    {"shl dword [m+rbx*2+16],4", 5, {0xC1, 0x64, 0x59, 0x10, 0x04}},
    {"shr byte [m],2", 3, {0xC0, 0x29, 0x02}},
    {"sar qword [m],3", 4, {0x48, 0xC1, 0x39, 0x03}},
    {"ror word [m],4", 4, {0x66, 0xC1, 0x09, 0x04}},
    {"rcl dword [m],1", 2, {0xD1, 0x11}},
    {"rcr qword [m],9", 4, {0x48, 0xC1, 0x19, 0x09}},
    {"shld [m],edx,7", 4, {0x0F, 0xA4, 0x11, 0x07}},
    {"imul eax,[m]", 3, {0x0F, 0xAF, 0x01}},
    {"imul rdx,[m],100", 7, {0x48, 0x69, 0x11, 0x64, 0x00, 0x00, 0x00}},
    {"mul dword [m]", 2, {0xF7, 0x21}},
    {"imul qword [m]", 3, {0x48, 0xF7, 0x29}},
    {"cmovz eax,[m]", 3, {0x0F, 0x44, 0x01}},
    {"setc [m]", 3, {0x0F, 0x92, 0x01}},
    {"popcnt eax,[m]", 4, {0xF3, 0x0F, 0xB8, 0x01}},
    {"bsf r8d,[m]", 4, {0x44, 0x0F, 0xBC, 0x01}},
    {"crc32 eax,dword [m]", 5, {0xF2, 0x0F, 0x38, 0xF1, 0x01}},
    {"addps xmm0,[m]", 3, {0x0F, 0x58, 0x01}},
    {"paddd xmm1,[m]", 4, {0x66, 0x0F, 0xFE, 0x09}},
    {"pshufd xmm12,[m],1B", 6, {0x66, 0x44, 0x0F, 0x70, 0x21, 0x1B}},
    {"cvtsi2sd xmm0,qword [m]", 5, {0xF2, 0x48, 0x0F, 0x2A, 0x01}},
    {"ucomisd xmm0,[m]", 4, {0x66, 0x0F, 0x2E, 0x01}},
    {"movddup xmm0,[m]", 4, {0xF2, 0x0F, 0x12, 0x01}},
    {"pinsrd xmm0,[m],2", 6, {0x66, 0x0F, 0x3A, 0x22, 0x01, 0x02}},
    {"pextrd [m],xmm1,3", 6, {0x66, 0x0F, 0x3A, 0x16, 0x09, 0x03}},
    {"vmovdqu xmm0,[m]", 4, {0xC5, 0xFA, 0x6F, 0x01}},
    {"vmovdqu [m],xmm1", 4, {0xC5, 0xFA, 0x7F, 0x09}},
    {"vpaddd xmm2,xmm1,[m]", 4, {0xC5, 0xF1, 0xFE, 0x11}},
};

static UCHAR device[PAGE_SIZE], ram[PAGE_SIZE] __attribute__((aligned(4096)));
static UCHAR fresh_stack[256];
static UCHAR *device_va, *code;
static UCHAR shared[PAGE_SIZE];
static unsigned accesses;

static bool mmio_read(uint64_t pa, void *value, unsigned width)
{
    accesses++;
    memcpy(value, device + pa % PAGE_SIZE, width);
    return true;
}

static bool mmio_write(uint64_t pa, const void *value, unsigned width)
{
    accesses++;
    memcpy(device + pa % PAGE_SIZE, value, width);
    return true;
}

static void *shared_data(void)
{
    return shared;
}

static int set_up(void **state)
{
    machine_ops.mmio_read = mmio_read;
    machine_ops.mmio_write = mmio_write;
    rewrite_targets.user_shared_data = shared_data;
    device_va = hmem_reserve(HMEM_SYSTEM, 3, 1, 0);
    code = hmem_reserve(HMEM_IMAGE, 1, 1, 0);
    if (device_va == NULL || code == NULL || !NT_SUCCESS(hmem_map_run(device_va, DEVICE_PFN, 1, HMEM_RW)) ||
        !NT_SUCCESS(hmem_commit(device_va + PAGE_SIZE, 1, HMEM_RW)) ||
        !NT_SUCCESS(hmem_map_run(device_va + 2 * PAGE_SIZE, DEVICE_PFN, 1, HMEM_R)) ||
        !NT_SUCCESS(hmem_commit(code, 1, HMEM_RX)))
        return -1;
    return 0;
}

static int tear_down(void **state)
{
    hmem_release(device_va, 3);
    hmem_release(code, 1);
    return 0;
}

static uint64_t seed = 12345;

static uint64_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* push r15; popfq; INSN; pushfq; pop r15; ret */
static void run_natively(const struct sample *sample)
{
    UCHAR *at = hmem_writable_alias(code);

    memcpy(at, "\x41\x57\x9D", 3);
    memcpy(at + 3, sample->bytes, sample->length);
    memcpy(at + 3 + sample->length, "\x9C\x41\x5F\xC3", 4);
    call_with_registers(code);
}

static CONTEXT emulated;

static void begin(void)
{
    memset(&emulated, 0, sizeof(emulated));
    emulated.MxCsr = emulated.FltSave.MxCsr = 0x1F80;
    emulated.FltSave.ControlWord = 0x27F;
    emulated.Rsp = (uintptr_t)(fresh_stack + 128);
}

static void to_context(const struct registers *from)
{
    const ULONG64 *g = from->general;

    begin();
    emulated.Rax = g[0];
    emulated.Rcx = g[1];
    emulated.Rdx = g[2];
    emulated.Rbx = g[3];
    emulated.Rbp = g[4];
    emulated.Rsi = g[5];
    emulated.Rdi = g[6];
    memcpy(&emulated.R8, g + 7, 8 * sizeof(*g));
    emulated.EFlags = (ULONG)g[IN_R15];
    for (unsigned i = 0; i < 16; i++)
        memcpy(&emulated.Xmm0 + i, from->vectors[i], 16);
    emulated.Rip = (uintptr_t)code + 3;
}

static bool emulate_at(ULONG64 address, bool write)
{
    EXCEPTION_RECORD record = {.ExceptionCode = STATUS_ACCESS_VIOLATION, .NumberParameters = 2};

    record.ExceptionInformation[0] = write;
    record.ExceptionInformation[1] = address;
    return rewrite_emulate(&record, &emulated);
}

static void compare(const struct sample *sample)
{
    const ULONG64 *out = registers_out.general;

    if (emulated.Rax != out[IN_RAX] || emulated.Rdx != out[IN_RDX] || emulated.Rbx != out[IN_RBX] ||
        emulated.R8 != out[IN_R8])
        fail_msg("%s: rax %llx %llx rdx %llx %llx", sample->name, (long long)emulated.Rax,
                 (long long)out[IN_RAX], (long long)emulated.Rdx, (long long)out[IN_RDX]);
    if ((emulated.EFlags ^ out[IN_R15]) & FLAGS_MASK)
        fail_msg("%s: flags %x, the processor has %x", sample->name, emulated.EFlags & FLAGS_MASK,
                 (unsigned)out[IN_R15] & FLAGS_MASK);
    if (memcmp(device, ram, PAGE_SIZE) != 0)
        fail_msg("%s: memory differs", sample->name);
    for (unsigned i = 0; i < 16; i++) {
        if (memcmp(&emulated.Xmm0 + i, registers_out.vectors[i], 16) != 0)
            fail_msg("%s: xmm%u differs", sample->name, i);
    }
    if (emulated.Rip != (uintptr_t)code + 3 + sample->length)
        fail_msg("%s: rip", sample->name);
}

/* Half of the operands are numbers on the edges, where carries and overflows are. */
static uint64_t operand(void)
{
    static const uint64_t edges[] = {0,          1,          0x7F,       0x80,  0xFF,
                                     0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, ~0ull, 1ull << 63};

    return next() % 2 ? next() : edges[next() % countof(edges)];
}

static void try_once(const struct sample *sample)
{
    uint64_t memory = operand();

    for (unsigned i = 0; i < sizeof(registers_in); i++)
        ((UCHAR *)&registers_in)[i] = (UCHAR)next();
    registers_in.general[IN_RAX] = operand();
    registers_in.general[IN_RDX] = operand();
    if (next() % 4 == 0)
        registers_in.general[IN_RAX] = memory; /* cmpxchg: equal */
    registers_in.general[IN_RBX] = next() % 512;
    registers_in.general[IN_R15] = 2 | (next() & FLAGS_MASK);
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        ram[i] = (UCHAR)next();
    memcpy(ram + MIDDLE, &memory, sizeof(memory));
    memcpy(device, ram, PAGE_SIZE);
    registers_in.general[IN_RCX] = (uintptr_t)ram + MIDDLE;
    run_natively(sample);
    registers_in.general[IN_RCX] = (uintptr_t)device_va + MIDDLE;
    to_context(&registers_in);
    if (!emulate_at(emulated.Rcx, true))
        fail_msg("%s: not emulated", sample->name);
    compare(sample);
}

static void instructions_agree_with_the_processor(void **state)
{
    for (unsigned i = 0; i < countof(samples); i++) {
        for (unsigned n = 0; n < 60; n++)
            try_once(&samples[i]);
    }
}

static void place_code(const char *bytes, size_t length)
{
    memcpy((UCHAR *)hmem_writable_alias(code) + 3, bytes, length);
    begin();
    emulated.Rip = (uintptr_t)code + 3;
    emulated.EFlags = 0x202;
}

static void strings_move_element_by_element(void **state)
{
    ULONG words[4] = {0x11111111, 0x22222222, 0x33333333, 0x44444444};

    place_code("\xF3\xA5", 2); /* rep movsd */
    emulated.Rsi = (uintptr_t)words;
    emulated.Rdi = (uintptr_t)device_va + 0x100;
    emulated.Rcx = 4;
    accesses = 0;
    assert_true(emulate_at(emulated.Rdi, true));
    assert_int_equal(accesses, 4);
    assert_memory_equal(device + 0x100, words, sizeof(words));
    assert_int_equal(emulated.Rcx, 0);
    assert_int_equal(emulated.Rsi, (uintptr_t)(words + 4));
    place_code("\xF3\xAA", 2); /* rep stosb, downwards */
    emulated.EFlags |= 0x400;
    emulated.Rax = 0x5A;
    emulated.Rdi = (uintptr_t)device_va + 0x103;
    emulated.Rcx = 4;
    assert_true(emulate_at(emulated.Rdi, true));
    assert_memory_equal(device + 0x100, "\x5A\x5A\x5A\x5A", 4);
    assert_int_equal(emulated.Rdi, (uintptr_t)device_va + 0xFF);
    place_code("\x48\xAD", 2); /* lodsq */
    emulated.Rsi = (uintptr_t)device_va + 0x108;
    assert_true(emulate_at(emulated.Rsi, false));
    assert_int_equal(emulated.Rax, 0x4444444433333333);
}

static void strings_compare_until_they_differ(void **state)
{
    memcpy(device + 0x200, "abcdefgh", 8);
    memcpy(ram + 0x200, "abcdeXgh", 8);
    place_code("\xF3\xA6", 2); /* repe cmpsb */
    emulated.Rsi = (uintptr_t)device_va + 0x200;
    emulated.Rdi = (uintptr_t)ram + 0x200;
    emulated.Rcx = 8;
    assert_true(emulate_at(emulated.Rsi, false));
    assert_int_equal(emulated.Rcx, 2);
    assert_int_equal(emulated.Rsi, (uintptr_t)device_va + 0x206);
    assert_int_equal(emulated.EFlags & 0x41, 0); /* above: 'f' > 'X' */
    place_code("\xF2\xAE", 2);                   /* repne scasb */
    emulated.Rax = 'c';
    emulated.Rdi = (uintptr_t)device_va + 0x200;
    emulated.Rcx = 100;
    assert_true(emulate_at(emulated.Rdi, false));
    assert_int_equal(emulated.Rdi, (uintptr_t)device_va + 0x203);
    assert_int_equal(emulated.Rcx, 97);
    assert_int_equal(emulated.EFlags & 0x40, 0x40);
    place_code("\xF3\xA5", 2); /* rep movsd of nothing */
    emulated.Rdi = (uintptr_t)device_va;
    accesses = 0;
    assert_true(emulate_at(emulated.Rdi, true));
    assert_int_equal(accesses, 0);
}

/* A fault in the middle leaves the registers where the instruction can go on. */
static void strings_stop_at_a_fault(void **state)
{
    EXCEPTION_RECORD record = {.ExceptionCode = STATUS_ACCESS_VIOLATION, .NumberParameters = 2};

    place_code("\xF3\xA4", 2); /* rep movsb, from the device to a page that cannot be written */
    emulated.Rsi = (uintptr_t)device_va + 0x10;
    emulated.Rdi = (uintptr_t)device_va + 2 * PAGE_SIZE - 3;
    emulated.Rcx = 8;
    record.ExceptionInformation[1] = emulated.Rsi;
    assert_false(rewrite_emulate(&record, &emulated));
    assert_int_equal(emulated.Rcx, 5);
    assert_int_equal(emulated.Rip, (uintptr_t)code + 3);
    assert_int_equal(record.ExceptionInformation[0], EXCEPTION_WRITE_FAULT);
    assert_int_equal(record.ExceptionInformation[1], (uintptr_t)device_va + 2 * PAGE_SIZE);
}

static void accesses_cross_into_the_next_page(void **state)
{
    UCHAR *next_page = device_va + PAGE_SIZE;

    memcpy(device + PAGE_SIZE - 3, "abc", 3);
    memcpy(next_page, "defgh", 5);
    place_code("\x48\x8B\x01", 3); /* mov rax,[rcx] */
    emulated.Rcx = (uintptr_t)next_page - 3;
    assert_true(emulate_at(emulated.Rcx, false));
    assert_memory_equal(&emulated.Rax, "abcdefgh", 8);
    place_code("\x0F\x11\x01", 3); /* movups [rcx],xmm0 */
    memcpy(&emulated.Xmm0, "0123456789ABCDEF", 16);
    emulated.Rcx = (uintptr_t)next_page - 6;
    assert_true(emulate_at(emulated.Rcx, true));
    assert_memory_equal(device + PAGE_SIZE - 6, "012345", 6);
    assert_memory_equal(next_page, "6789ABCDEF", 10);
}

static void the_stack_and_device_exchange_values(void **state)
{
    ULONG64 value = 0x1122334455667788;

    memcpy(device + 0x40, &value, 8);
    place_code("\xFF\x31", 2); /* push qword [rcx] */
    emulated.Rcx = (uintptr_t)device_va + 0x40;
    assert_true(emulate_at(emulated.Rcx, false));
    assert_int_equal(emulated.Rsp, (uintptr_t)(fresh_stack + 120));
    assert_memory_equal(fresh_stack + 120, &value, 8);
    value = 42;
    memcpy(fresh_stack + 128, &value, 8);
    place_code("\x8F\x01", 2); /* pop qword [rcx] */
    emulated.Rcx = (uintptr_t)device_va + 0x48;
    assert_true(emulate_at(emulated.Rcx, true));
    assert_int_equal(emulated.Rsp, (uintptr_t)(fresh_stack + 136));
    assert_memory_equal(device + 0x48, &value, 8);
}

static void double_words_are_exchanged_together(void **state)
{
    memcpy(device + 0x40, "\1\0\0\0\2\0\0\0", 8);
    place_code("\xF0\x0F\xC7\x4E\x40", 5); /* lock cmpxchg8b [rsi+40] */
    emulated.Rsi = (uintptr_t)device_va;
    emulated.Rax = 1;
    emulated.Rdx = 2;
    emulated.Rbx = 0x33333333;
    emulated.Rcx = 0x44444444;
    assert_true(emulate_at(emulated.Rsi + 0x40, true));
    assert_memory_equal(device + 0x40, "\x33\x33\x33\x33\x44\x44\x44\x44", 8);
    assert_int_equal(emulated.EFlags & 0x40, 0x40);
}

static void the_coprocessor_loads_and_stores(void **state)
{
    LONG value = -5, stored;

    memcpy(device + 0x40, &value, 4);
    place_code("\xDB\x01", 2); /* fild dword [rcx] */
    emulated.Rcx = (uintptr_t)device_va + 0x40;
    assert_true(emulate_at(emulated.Rcx, false));
    memcpy((UCHAR *)hmem_writable_alias(code) + 5, "\xDB\x59\x08", 3); /* fistp dword [rcx+8] */
    assert_true(emulate_at(emulated.Rcx + 8, true));
    memcpy(&stored, device + 0x48, 4);
    assert_int_equal(stored, -5);
    assert_int_equal(emulated.Rip, (uintptr_t)code + 8);
}

static bool divides(ULONG divisor, ULONG64 high, EXCEPTION_RECORD *record)
{
    *record = (EXCEPTION_RECORD){.ExceptionCode = STATUS_ACCESS_VIOLATION, .NumberParameters = 2};
    memcpy(device + 0x40, &divisor, 4);
    place_code("\xF7\x31", 2); /* div dword [rcx] */
    emulated.Rcx = (uintptr_t)device_va + 0x40;
    emulated.Rax = 100;
    emulated.Rdx = high;
    record->ExceptionInformation[1] = emulated.Rcx;
    return rewrite_emulate(record, &emulated);
}

/* The signal handler is not there in this test: only what does not trap. */
static void a_register_divides(void **state)
{
    EXCEPTION_RECORD record;

    assert_true(divides(7, 0, &record));
    assert_int_equal(emulated.Rax, 14);
    assert_int_equal(emulated.Rdx, 2);
}

static bool nothing_there(uint64_t pa, void *value, unsigned width)
{
    return false;
}

static void an_empty_bus_answers_all_ones(void **state)
{
    machine_ops.mmio_read = nothing_there;
    place_code("\x8B\x01", 2);
    emulated.Rcx = (uintptr_t)device_va;
    assert_true(emulate_at(emulated.Rcx, false));
    assert_int_equal(emulated.Rax, 0xFFFFFFFF);
    machine_ops.mmio_read = mmio_read;
}

static void shared_data_is_read_and_not_written(void **state)
{
    memcpy(shared + 0x14, "\x78\x56\x34\x12", 4);
    place_code("\x8B\x41\x14", 3);
    emulated.Rcx = KUSER_VA;
    assert_true(emulate_at(KUSER_VA + 0x14, false));
    assert_int_equal(emulated.Rax, 0x12345678);
    place_code("\xF3\xA4", 2); /* rep movsb from it */
    emulated.Rsi = KUSER_VA + 0x14;
    emulated.Rdi = (uintptr_t)ram;
    emulated.Rcx = 4;
    assert_true(emulate_at(KUSER_VA + 0x14, false));
    assert_memory_equal(ram, "\x78\x56\x34\x12", 4);
}

static void other_faults_are_not_ours(void **state)
{
    place_code("\x8B\x01", 2);
    emulated.Rcx = 0x10;
    assert_false(emulate_at(0x10, false));
    assert_int_equal(emulated.Rip, (uintptr_t)code + 3);
    place_code("\xFF\x11", 2); /* call [rcx]: no load or store */
    emulated.Rcx = (uintptr_t)device_va;
    assert_false(emulate_at(emulated.Rcx, false));
}

int run_emulate_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_agree_with_the_processor),
        cmocka_unit_test(strings_move_element_by_element),
        cmocka_unit_test(strings_compare_until_they_differ),
        cmocka_unit_test(strings_stop_at_a_fault),
        cmocka_unit_test(accesses_cross_into_the_next_page),
        cmocka_unit_test(the_stack_and_device_exchange_values),
        cmocka_unit_test(double_words_are_exchanged_together),
        cmocka_unit_test(the_coprocessor_loads_and_stores),
        cmocka_unit_test(a_register_divides),
        cmocka_unit_test(an_empty_bus_answers_all_ones),
        cmocka_unit_test(shared_data_is_read_and_not_written),
        cmocka_unit_test(other_faults_are_not_ours),
    };

    return cmocka_run_group_tests_name("emulate", tests, set_up, tear_down);
}
