#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks the implementation of rules, one at a time, and sees whether a test notices.

Draws COUNT rule ids (by --seed) from the facts that `make conformance` counts as covered in the given families. For
each id, and for each comment `/* ID: ... */` above a statement of the sources, breaks that statement by text (a condition
is negated or made false, another statement is removed or its value replaced), builds, runs the tests that declare the
id, and prints `ID caught|missed`: caught if every broken statement was noticed, missed if one was not, or if no
statement carries the id, or no passing test declares it. A change that does not compile is replaced by the next way to
break the statement; --thorough tries all of them. The sources in the tree are never touched: the work is done on a copy.
"""
import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FAMILIES = 'SR,REQ,LC,DI,MJ,DR,BUF,IOC,IRP,DO,SV,SQ,CSQ,CAN,DPC,CTL,DMA,INT,FI,RL,PNP,PS,PH,PWR,PW,FX'
COMMENT = re.compile(r'^\s*/\*\s*((?:[A-Z0-9]+-[0-9A-Za-z]+(?:,\s*|\s+and\s+|\s+)?)+)[:.]')


def read_ids(path):
    if not os.path.exists(path):
        return set()
    return {line.split('\t')[0].strip() for line in open(path, encoding='utf-8') if line.strip() and not line.startswith('#')}


def sites(tree):
    """{id: [(file, line index of the first line of the statement)]}"""
    found = {}
    for top in ('src', 'models', 'ports', 'buses'):
        for folder, _, names in os.walk(os.path.join(tree, top)):
            for name in sorted(names):
                if not name.endswith('.c'):
                    continue
                path = os.path.join(folder, name)
                lines = open(path, encoding='utf-8').read().split('\n')
                for number, line in enumerate(lines):
                    comment = COMMENT.match(line)
                    if not comment or not line.startswith((' ', '\t')):
                        continue
                    below = number
                    while below < len(lines) and '*/' not in lines[below]:
                        below += 1
                    below += 1
                    while below < len(lines) and (not lines[below].strip() or lines[below].strip().startswith('/*')):
                        while '*/' not in lines[below] and lines[below].strip().startswith('/*'):
                            below += 1
                        below += 1
                    if below < len(lines):
                        for fact in re.findall(r'[A-Z0-9]+-[0-9A-Za-z]+', comment.group(1)):
                            found.setdefault(fact, []).append((os.path.relpath(path, tree), below))
    for fact in read_ids(os.path.join(ROOT, 'tests/spec/facts.tsv')):
        if '..' in fact:  # one fact for a range of codes: the statements name the codes
            family = fact.split('-')[0] + '-'
            found[fact] = sorted({place for own, places in found.items() if own.startswith(family) for place in places})
    return found


def statement(lines, start):
    """The text of the statement that begins on a line: up to its `;`, or for a condition up to the `)` of its head."""
    text = '\n'.join(lines[start:])
    head = re.match(r'\s*(?:\}?\s*else\s+)?(if|while|for|switch)\s*\(', text)
    if head:
        depth, at = 0, head.end() - 1
        while True:
            depth += text[at] == '('
            depth -= text[at] == ')'
            at += 1
            if depth == 0:
                return head.group(1), text[:at], text[head.end():at - 1]
    depth = 0
    for at, char in enumerate(text):
        depth += char in '({['
        depth -= char in ')}]'
        if char == ';' and depth == 0:
            return 'plain', text[:at + 1], None
        if depth < 0:
            return 'none', '', None
    return 'none', '', None


ZERO = re.compile(r'(?:\([A-Za-z_]\w*(?:\s*\*)?\)\s*)?(?:0|NULL|false|FALSE|STATUS_SUCCESS|PASSIVE_LEVEL|KernelMode|IoReadAccess|IO_NO_INCREMENT)')


def mutations(lines, start):
    """Ways to break the statement, none of which leaves it as it was."""
    kind, text, inner = statement(lines, start)
    if kind in ('if', 'while'):
        yield text.replace('(' + inner + ')', '(!(' + inner + '))', 1)
        yield text.replace('(' + inner + ')', '(0)', 1)
        return
    if kind == 'plain':
        body = text.strip()
        indent = text[:len(text) - len(text.lstrip())]
        if body.startswith('return'):
            value = body[len('return'):-1].strip()
            if value:
                yield f'{indent}return (__typeof__({value}))!({value});'
                if not ZERO.fullmatch(value):
                    yield f'{indent}return (__typeof__({value}))0;'
            else:
                yield indent + ';'
            return
        declaration = re.match(r'(?:const\s+|static\s+|struct\s+)*[A-Za-z_]\w*[\s*]+[A-Za-z_]\w*\s*=\s*(.+);$', body, re.S)
        assignment = re.match(r'([^=;]+?)\s*=\s*([^=].*);$', body, re.S)
        if declaration:
            value = declaration.group(1)
            if value.startswith('{'):
                yield indent + body.replace(value + ';', '{0};')
                return
            yield indent + body.replace(value + ';', f'(__typeof__({value}))!({value});')
            if not ZERO.fullmatch(value):
                yield indent + body.replace(value + ';', f'(__typeof__({value}))0;')
            return
        yield indent + ';'
        if assignment:
            if not ZERO.fullmatch(assignment.group(2).strip()):
                yield f'{indent}{assignment.group(1)} = (__typeof__({assignment.group(1)}))0;'
            yield f'{indent}{assignment.group(1)} = (__typeof__({assignment.group(1)}))!({assignment.group(2)});'


def rule_tests(build):
    """{name: command line} of the tests of the suite `rules`; relative paths in it are the build folder's."""
    listed = subprocess.run(['meson', 'introspect', '--tests', build], capture_output=True, text=True, check=True).stdout
    return {test['name']: test['cmd'] for test in json.loads(listed)
            if any(suite.split(':')[-1] == 'rules' for suite in test['suite'])}


def run_test(command, seconds, folder):
    """(passed, output, seconds it took)"""
    began = time.monotonic()
    test = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                            cwd=folder, start_new_session=True)
    try:
        output = test.communicate(timeout=seconds)[0]
        return test.returncode == 0, output.decode('utf-8', 'replace'), time.monotonic() - began
    except subprocess.TimeoutExpired:
        os.killpg(test.pid, signal.SIGKILL)  # and what it started: a broken kernel may spin for ever
        test.communicate()
        return False, '', seconds


def tests_by_id(tests, folder):
    """{id: [(command, patience)]}, quickest first, of the tests that pass."""
    by_id = {}
    for command in tests.values():
        passed, output, took = run_test(command, 90, folder)
        for rules in re.findall(r'^rules: (.*)$', output, re.M) if passed else []:
            for fact in rules.split():
                by_id.setdefault(fact, []).append((took, command))
    return {fact: [(command, 8 + 10 * took) for took, command in sorted(rows)] for fact, rows in by_id.items()}


def build(folder, targets):
    return subprocess.run(['ninja', '-C', folder] + targets, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def programs_of(commands, folder):
    """The targets that these tests run."""
    inside = os.path.realpath(folder) + os.sep
    paths = {os.path.realpath(os.path.join(folder, word)) for command in commands for word in command}
    return sorted(path[len(inside):] for path in paths if path.startswith(inside) and os.path.isfile(path))


def noticed(tests, folder):
    return any(not run_test(command, patience, folder)[0] for command, patience in tests)


def break_statement(place, tests, work, thorough):
    """'caught', or 'missed' with the change printed; None if no change of the statement compiles."""
    path, start = place
    full = os.path.join(work['tree'], path)
    original = open(full, encoding='utf-8').read()
    lines = original.split('\n')
    text = statement(lines, start)[1]
    verdict = None
    for changed in mutations(lines, start):
        if not text or changed == text or verdict == 'missed' or (verdict and not thorough):
            continue
        rest = '\n'.join(lines[start:])
        open(full, 'w', encoding='utf-8').write('\n'.join(lines[:start]) + '\n' + changed + rest[len(text):])
        if build(work['build'], programs_of([command for command, _ in tests], work['build'])):
            verdict = 'caught' if noticed(tests, work['build']) else 'missed'
        open(full, 'w', encoding='utf-8').write(original)
        if verdict == 'missed':
            print(f'  {path}:{start + 1}: {" ".join(text.split())}  ->  {" ".join(changed.split())}', file=sys.stderr, flush=True)
    return verdict


def try_id(fact, places, tests, work, thorough):
    if not places or not tests:
        print(f'  {fact}: ' + ('no test declares it' if places else 'no statement carries it'), file=sys.stderr)
        return 'missed'
    verdicts = [break_statement(place, tests, work, thorough) for place in places]
    return 'caught' if 'missed' not in verdicts and 'caught' in verdicts else 'missed'


def prepare(tree):
    """A built copy of the sources. Its folder of objects stays, so that the next draw builds only what changed."""
    os.makedirs(tree, exist_ok=True)
    copy_tree(ROOT, tree)
    folder = os.path.join(tree, 'build')
    if not os.path.exists(os.path.join(folder, 'build.ninja')):
        subprocess.run(['meson', 'setup', folder, tree], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(['ninja', '-C', folder], check=True, stdout=subprocess.DEVNULL)
    tests = rule_tests(folder)
    return {'tree': tree, 'build': folder, 'tests': tests}


def pool_of(families, declared):
    """The covered facts of the families, in order. The same draw for the same tree and seed."""
    outside = read_ids(os.path.join(ROOT, 'tests/conformance.deferred')) | read_ids(os.path.join(ROOT, 'tests/conformance.disputed'))
    facts = [line.split('\t')[0].strip() for line in open(os.path.join(ROOT, 'tests/spec/facts.tsv'), encoding='utf-8')]
    return [fact for fact in facts if fact.split('-')[0] in families and fact in declared and fact not in outside]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--count', type=int, default=30)
    parser.add_argument('--families', default=FAMILIES, help='where ids are drawn from')
    parser.add_argument('--ids', default='', help='these ids instead of a draw, separated by commas')
    parser.add_argument('--thorough', action='store_true', help='every way to break each statement, not only the first')
    parser.add_argument('--tree', default=os.path.join(ROOT, 'build-mutants', 'tree'))
    options = parser.parse_args()
    work = prepare(options.tree)
    found, tests = sites(work['tree']), tests_by_id(work['tests'], work['build'])
    pool = pool_of(options.families.split(','), tests)
    chosen = options.ids.split(',') if options.ids else random.Random(options.seed).sample(pool, min(options.count, len(pool)))
    missed = 0
    for fact in chosen:
        verdict = try_id(fact, found.get(fact, []), tests.get(fact, []), work, options.thorough)
        missed += verdict == 'missed'
        print(f'{fact} {verdict}', flush=True)
    return 1 if missed else 0


def copy_tree(source, target):
    names = subprocess.run(['git', '-C', source, 'ls-files', '-co', '--exclude-standard'], capture_output=True, text=True).stdout.split('\n')
    wanted = {name for name in names if name and os.path.exists(os.path.join(source, name))}
    for folder, _, files in os.walk(target):
        if os.path.relpath(folder, target).split(os.sep)[0].startswith('build'):
            continue
        for name in files:
            if os.path.relpath(os.path.join(folder, name), target) not in wanted:
                os.unlink(os.path.join(folder, name))
    for name in wanted:
        to = os.path.join(target, name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        data = open(os.path.join(source, name), 'rb').read()
        if not os.path.exists(to) or open(to, 'rb').read() != data:
            shutil.copy(os.path.join(source, name), to)


if __name__ == '__main__':
    sys.exit(main())
