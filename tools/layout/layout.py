#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Write _Static_assert lines that hold include/nt to the DDK headers.

The cross compiler reads the DDK headers and emits, as text in its assembly
output, the size of each structure, the offset and size of each field that
layout.list names, and the value of every constant that include/nt defines.
Nothing is run. errata.list names what the DDK headers get wrong; structures
they do not have must be named in layout.list too, so none is left out unseen.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ORACLE_HEADERS = ['ntifs.h', 'ntddk.h', 'wdm.h', 'csq.h', 'ntpoapi.h', 'ntimage.h', 'bugcodes.h', 'devpropdef.h', 'wmistr.h', 'wmilib.h']


def fail(message):
    sys.exit('layout.py: ' + message)


def lines_of(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split('#', 1)[0].strip()
        if line:
            yield f'{path.name}:{number}', line


def read_list(path):
    """-> structures {name: [fields]}, those that grew, names only we have, the least number of constants compared"""
    structures, grown, own, least = {}, set(), set(), None
    for where, line in lines_of(path):
        word, *rest = line.split()
        if word in ('struct', 'grown'):
            structures.setdefault(rest[0], []).extend(rest[1:])
            if word == 'grown':
                grown.add(rest[0])
        elif word == 'own':
            own.update(rest)
        elif word == 'constants-at-least':
            least = int(rest[0])
        else:
            fail(f'{where}: what is "{word}"?')
    if least is None:
        fail(f'{path.name}: no constants-at-least line')
    return structures, grown, own, least


def read_errata(path):
    """KEY oracle=VALUE real=VALUE -> {key: (oracle, real)}; the source stands in the comment above it"""
    errata = {}
    for where, line in lines_of(path):
        m = re.fullmatch(r'(\S+)\s+oracle=(\S+)\s+real=(\S+)', line)
        if not m:
            fail(f'{where}: not "KEY oracle=VALUE real=VALUE"')
        errata[m[1]] = (int(m[2], 0), int(m[3], 0))
    return errata


def our_constants(headers):
    """Every macro that is a number, every enumerator, every line of a list."""
    names = []
    for header in headers:
        text = re.sub(r'/\*.*?\*/', '', header.read_text(), flags=re.S)
        names += re.findall(r'^#define ([A-Z]\w+) \S', text, re.M)
        names += re.findall(r'^    X\((\w+),', text, re.M)
        for body in re.findall(r'\benum\b[^{;]*\{(.*?)\}', text, re.S):
            names += re.findall(r'^    (\w+)(?: = [^,]*)?,', body, re.M)
    return list(dict.fromkeys(names))


def our_structures(headers):
    names = set()
    for header in headers:
        names.update(re.findall(r'^(?:typedef )?(?:struct|union) [^;{]*?\b_(\w+) \{', header.read_text(), re.M))
    return names


class Compiler:
    """Values of constant expressions, as a compiler sees them without running anything."""

    def __init__(self, command, preamble, directory):
        self.command, self.preamble, self.directory = command, preamble, directory

    def compile(self, queries):
        source = self.directory / 'probe.c'
        # An asm operand holds 32 bits: a value goes out in two halves.
        head = self.preamble + """
#define HIGH(e) (int)((long long)(e) >> 32)
#define LOW(e) (int)(long long)(e)
void probe(void) {
"""
        first = head.count('\n') + 1
        body = [f'__asm__ volatile("\\n@@{i} %c0 %c1" :: "i"(HIGH({e})), "i"(LOW({e})));'
                for i, (_, e) in enumerate(queries)]
        source.write_text(head + '\n'.join(body) + '\n}\n')
        r = subprocess.run([*self.command, '-w', '-O1', '-fmax-errors=0', '-S', '-o', str(source) + '.s', str(source)],
                           capture_output=True, text=True)
        bad = {int(n) - first for n in re.findall(r'probe\.c:(\d+):\d+: (?:error|note|warning)', r.stderr)}
        return r, {i for i in bad if 0 <= i < len(queries)}

    def values(self, queries):
        """{key: value} of [(key, expression)]; what does not compile, or is no constant, is absent"""
        for _ in range(10):
            r, bad = self.compile(queries)
            if r.returncode == 0:
                text = (self.directory / 'probe.c.s').read_text()
                return {queries[int(i)][0]: int(high) * 2**32 + int(low) % 2**32
                        for i, high, low in re.findall(r'@@(\d+) (-?\d+) (-?\d+)', text)}
            if not bad:
                fail('the probe does not compile:\n' + r.stderr[:2000])
            queries = [q for i, q in enumerate(queries) if i not in bad]
        fail('the probe does not settle')


def layout_queries(structures, grown=()):
    for name, fields in structures.items():
        if name not in grown:
            yield f'sizeof({name})', f'sizeof({name})'
        for field in fields:
            yield f'offsetof({name},{field})', f'__builtin_offsetof({name}, {field})'
            yield f'sizeof({name},{field})', f'sizeof((({name} *)0)->{field})'


def corrected(found, errata):
    for key, (oracle, real) in errata.items():
        if found.get(key) not in (oracle, real):
            fail(f'errata.list: {key} is {found.get(key)} in the DDK headers, neither {oracle} nor {real}')
        found[key] = real
    return found


def assert_line(key, value):
    m = re.fullmatch(r'(offsetof|sizeof)\((\w+),(\S+)\)', key)
    if m and m[1] == 'offsetof':
        expression = f'__builtin_offsetof({m[2]}, {m[3]})'
    elif m:
        expression = f'sizeof((({m[2]} *)0)->{m[3]})'
    else:
        expression = key
    return f'_Static_assert((unsigned long long)({expression}) == {value % 2**64:#x}ULL, "{key}");'


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    p.add_argument('--cc', default='x86_64-w64-mingw32-gcc', help='cross compiler')
    p.add_argument('--headers', type=pathlib.Path, required=True, help='include/nt')
    p.add_argument('--list', type=pathlib.Path, required=True)
    p.add_argument('--errata', type=pathlib.Path, required=True)
    p.add_argument('--depfile', type=pathlib.Path, help='for ninja: what the output was made from')
    p.add_argument('--output', type=pathlib.Path, required=True)
    a = p.parse_args()

    headers = sorted(a.headers.glob('*.h'))
    structures, grown, own, least = read_list(a.list)
    unseen = our_structures(headers) - set(structures) - own
    if unseen:
        fail(f'{a.list.name} lacks {", ".join(sorted(unseen))}: add "struct NAME FIELD..." or, where the DDK headers '
             'have no such structure, "own NAME"')

    sysroot = subprocess.run([a.cc, '-print-sysroot'], capture_output=True, text=True).stdout.strip()
    ddk = [f'-I{d}' for d in (f'{sysroot}/include/ddk', '/usr/x86_64-w64-mingw32/include/ddk')]
    preamble = ''.join(f'#include <{h}>\n' for h in ORACLE_HEADERS)
    with tempfile.TemporaryDirectory() as scratch:
        oracle = Compiler([a.cc, *ddk], preamble, pathlib.Path(scratch))
        layout = list(layout_queries(structures, grown))
        found = oracle.values(layout)
        lost = [key for key, _ in layout if key not in found]
        if lost:
            fail('the DDK headers do not have ' + ', '.join(lost[:20]))
        constants = oracle.values([(n, n) for n in our_constants(headers)])
    if len(constants) < least:
        fail(f'{len(constants)} constants compared, {least} wanted')
    found = corrected({**found, **constants}, read_errata(a.errata))
    a.output.write_text(f'/* {len(found)} facts of the DDK headers; made by tools/layout/layout.py */\n' +
                        '\n'.join(assert_line(k, v) for k, v in found.items()) + '\n')
    if a.depfile:
        inputs = ' '.join(str(i) for i in [*headers, a.list, a.errata, pathlib.Path(__file__)])
        a.depfile.write_text(f'{a.output}: {inputs}\n')


if __name__ == '__main__':
    main()
