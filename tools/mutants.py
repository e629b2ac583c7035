#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks the implementation of rules, one at a time, and sees whether a test notices.

Draws COUNT rule ids (by --seed) from the comments `/* ID: ... */` of the sources, for each one breaks the statement
below one of its comments by text (a condition is negated, another statement is removed), builds in a folder of its
own, runs the tests that declare the id, and prints `ID caught` or `ID missed`. A mutant that does not compile is
replaced by the next way to break it. The sources in the tree are never touched: the work is done on a copy.
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMMENT = re.compile(r'^\s*/\*\s*((?:[A-Z0-9]+-[0-9A-Za-z]+(?:,\s*|\s+and\s+|\s+)?)+):')


def read_ids(path):
    if not os.path.exists(path):
        return set()
    return {line.split('\t')[0].strip() for line in open(path, encoding='utf-8') if line.strip() and not line.startswith('#')}


def sites(tree):
    """{id: [(file, line index of the first line of the statement)]}"""
    found = {}
    for top in ('src', 'models', 'ports'):
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


def mutations(lines, start):
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
                yield f'{indent}return (__typeof__({value}))0;'
            else:
                yield indent + ';'
            return
        declaration = re.match(r'(?:const\s+|static\s+|struct\s+)*[A-Za-z_]\w*[\s*]+[A-Za-z_]\w*\s*=\s*(.+);$', body, re.S)
        assignment = re.match(r'([^=;]+?)\s*=\s*([^=].*);$', body, re.S)
        if declaration:
            value = declaration.group(1)
            yield indent + body.replace(value + ';', f'(__typeof__({value}))!({value});')
            yield indent + body.replace(value + ';', f'(__typeof__({value}))0;')
            return
        yield indent + ';'
        if assignment:
            yield f'{indent}{assignment.group(1)} = (__typeof__({assignment.group(1)}))0;'
            yield f'{indent}{assignment.group(1)} = (__typeof__({assignment.group(1)}))!({assignment.group(2)});'


def tests_by_id(build):
    log = os.path.join(build, 'meson-logs', 'testlog-mutants.json')
    subprocess.run(['meson', 'test', '-C', build, '--no-rebuild', '--suite', 'rules', '--logbase', 'testlog-mutants'],
                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    tests = {}
    for line in open(log, encoding='utf-8'):
        test = json.loads(line)
        if test['result'] != 'OK':
            continue
        for rules in re.findall(r'^rules: (.*)$', test.get('stdout') or '', re.M):
            for fact in rules.split():
                tests.setdefault(fact, []).append(test['name'].split(' / ')[-1].split(':')[-1].strip())
    return tests


def build_and_test(build, names):
    if subprocess.run(['ninja', '-C', build], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        return 'does not compile'
    test = subprocess.run(['meson', 'test', '-C', build, '--no-rebuild', '--logbase', 'testlog-mutant'] + names,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return 'caught' if test.returncode else 'missed'


def try_id(fact, places, tests, tree, build):
    if fact not in tests:
        return 'missed'
    for path, start in places:
        full = os.path.join(tree, path)
        original = open(full, encoding='utf-8').read()
        lines = original.split('\n')
        text = statement(lines, start)[1]
        for changed in mutations(lines, start):
            if not text or changed == text:
                continue
            before = '\n'.join(lines[:start]) + '\n'
            rest = '\n'.join(lines[start:])
            open(full, 'w', encoding='utf-8').write(before + changed + rest[len(text):])
            verdict = build_and_test(build, tests[fact])
            open(full, 'w', encoding='utf-8').write(original)
            if verdict != 'does not compile':
                if verdict == 'missed':
                    print(f'  {path}:{start + 1}: {text.strip().splitlines()[0]}  ->  {changed.strip().splitlines()[0]}', file=sys.stderr)
                return verdict
    return 'missed'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--count', type=int, default=30)
    parser.add_argument('--ids', default='', help='these ids instead of a draw, separated by commas')
    parser.add_argument('--tree', default=os.path.join(ROOT, 'build-mutants', 'tree'))
    options = parser.parse_args()
    tree, build = options.tree, os.path.join(options.tree, 'build')
    os.makedirs(tree, exist_ok=True)
    subprocess.run(['rsync', '-a', '--delete', '--exclude', '/build*', '--exclude', '.git', ROOT + '/', tree + '/'], check=True) \
        if shutil.which('rsync') else copy_tree(ROOT, tree)
    if not os.path.exists(os.path.join(build, 'build.ninja')):
        subprocess.run(['meson', 'setup', build, tree], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(['ninja', '-C', build], check=True, stdout=subprocess.DEVNULL)
    found, tests = sites(tree), tests_by_id(build)
    outside = read_ids(os.path.join(ROOT, 'tests/conformance.deferred')) | read_ids(os.path.join(ROOT, 'tests/conformance.disputed'))
    pool = sorted(fact for fact in set(found) | set(tests) if fact in found and fact not in outside)
    chosen = options.ids.split(',') if options.ids else random.Random(options.seed).sample(pool, min(options.count, len(pool)))
    missed = 0
    for fact in chosen:
        verdict = try_id(fact, found.get(fact, []), tests, tree, build)
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
