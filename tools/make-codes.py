#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes src/vf/codes_table.c and src/vf/irql_rules_table.c: what the kinds of verifier bug checks mean, and which DDI
compliance rule says at which IRQL a routine may be called.

usage: tools/make-codes.py codes.tsv rules-all.tsv src/vf
codes.tsv: id ("C4-13, C4-14"), severity, fact. rules-all.tsv: class, set, rule, checked at, code, page, routines.
"""
import re
import sys

HEAD = """/* SPDX-License-Identifier: MIT */
/* Written by tools/make-codes.py; {what} */
#include "vf/{header}"

/* clang-format off */
"""
CODES = {'C4': 0xC4, 'C9': 0xC9, 'E6': 0xE6}
LEVELS = {'P': 'PASSIVE_LEVEL', 'A': 'APC_LEVEL', 'D': 'DISPATCH_LEVEL'}
# The rule's own page and the bug check's page both say 0x4000B.
ERRATA = {'SpinlockRelease': 0x4000B}
# The page has one wording for three checks; the parameters it lists tell them apart.
WORDING = {(0xC9, 0x10): 'IoCallDriver above DISPATCH_LEVEL',
           (0xC9, 0x11): 'a fast I/O routine returned at another IRQL',
           (0xC9, 0x12): 'a dispatch routine returned at another IRQL'}
# What a routine is imported as, where the rules name a macro or only one of its names.
IMPORTED_AS = {'KeAcquireSpinLock': ['KeAcquireSpinLockRaiseToDpc'], 'ZwClose': ['NtClose']}


def words(text):
    text = re.sub(r'\b([PAD])\b(?! state)', lambda m: LEVELS[m.group(1)], text)
    text = re.sub(r'; \d+ is named for it in t:[\w-]+', '', text)
    return text.strip()


def ids(field):
    found = [int(m, 16) for m in re.findall(r'[CE]\w-([0-9A-F]+)', field)]
    if '..' in field:
        numbers, parts = [], field.split(',')
        for part in parts:
            ends = [int(m, 16) for m in re.findall(r'[CE]\w-([0-9A-F]+)', part)]
            numbers += range(ends[0], ends[-1] + 1)
        return numbers
    return found


def rules(fact):
    """'20002 IrqlApcLte, 2000A..2000E IrqlIoPassive1..5, ...' -> {0x20002: 'IrqlApcLte', ...}"""
    found = {}
    for low, high, name, last in re.findall(r'\b([0-9A-F]{5})(?:\.\.([0-9A-F]{5}))? (\w+)(?:\.\.(\d+))?', fact):
        start = int(low, 16)
        if high:
            stem, first = re.match(r'(.*?)(\d+)$', name).groups() if re.search(r'\d$', name) else (name, '1')
            for i in range(int(high, 16) - start + 1):
                found[start + i] = f'{stem}{int(first) + i}'
        else:
            found[ERRATA.get(name, start)] = name
    return found


def kinds(path):
    table = {}
    for line in open(path, encoding='utf-8').read().splitlines()[1:]:
        field, _, fact = (line.split('\t') + ['', ''])[:3]
        code = CODES[field.strip()[:2]]
        numbers = ids(field)
        named = rules(fact)
        if named and numbers[0] >= 0x10000:
            for number, name in named.items():
                table[code, number] = f'the driver breaks the rule {name}'
            continue
        parts = words(fact).split(': ', 1)[-1].split(', ')
        for i, number in enumerate(numbers):
            listed = '..' in field and len(parts) == len(numbers) and '(' not in fact
            table[code, number] = parts[i] if listed else words(fact)
    return table


def write_kinds(path, table):
    with open(path, 'w', encoding='utf-8') as out:
        out.write(HEAD.format(what='the kinds of the bug checks 0xC4, 0xC9 and 0xE6, in ascending order.', header='kinds.h'))
        out.write('const struct vf_kind_words vf_verifier_kinds[] = {\n')
        for (code, number), text in sorted(table.items()):
            text = text.replace('\\', '\\\\').replace('"', '\\"')
            out.write(f'    {{0x{code:X}, 0x{number:X}, "{text}"}},\n')
        out.write('};\nconst unsigned vf_verifier_kind_count = countof(vf_verifier_kinds);\n')


def write_rules(path, rows):
    routines = {}
    for row in rows:
        if not row[4] or not row[2].startswith('Irql'):
            continue
        for name in row[6].split():
            for imported in [name] + IMPORTED_AS.get(name, []):
                routines.setdefault(imported, (ERRATA.get(row[2], int(row[4], 16)), row[2]))
    with open(path, 'w', encoding='utf-8') as out:
        out.write(HEAD.format(what="the DDI compliance rule that a routine's IRQL belongs to, by name.", header='irql_rules.h'))
        out.write('const struct vf_irql_rule vf_irql_rules[] = {\n')
        for name, (code, rule) in sorted(routines.items()):
            out.write(f'    {{"{name}", "{rule}", 0x{code:X}}},\n')
        out.write('};\nconst unsigned vf_irql_rule_count = countof(vf_irql_rules);\n')


def main():
    codes, rules_path, folder = sys.argv[1:]
    table = kinds(codes)
    rows = [(line.split('\t') + [''] * 7)[:7] for line in open(rules_path, encoding='utf-8').read().splitlines()[1:]]
    wdm = [row for row in rows if row[0] == 'WDM']
    for row in wdm:
        if row[4]:
            table.setdefault((0xC4, int(row[4], 16)), f'the driver breaks the rule {row[2]}')
    table.update(WORDING)
    write_kinds(f'{folder}/codes_table.c', table)
    write_rules(f'{folder}/irql_rules_table.c', wdm)


if __name__ == '__main__':
    main()
