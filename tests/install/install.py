#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `make install` leaves is enough: installs into a temporary folder, builds the example and a listing of the export
table against it by pkg-config, with the shared and with the static library, and runs them."""
import argparse
import os
import subprocess
import sys
import tempfile

WANTED = ['bin/ringless', 'include/ringless/ringless.h', 'share/man/man1/ringless.1', 'share/man/man1/ringless-run.1',
          'share/man/man7/ringless-commands.7', 'share/man/man3/libringless.3',
          'share/bash-completion/completions/ringless', 'share/zsh/site-functions/_ringless',
          'share/ringless/ringless-gdb.py', 'share/doc/ringless/LICENSE']


def run(line, **more):
    done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    if done.returncode != 0:
        sys.exit(f'{" ".join(line)}: exit {done.returncode}\n{done.stdout.decode()}')
    return done.stdout.decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build', required=True)
    parser.add_argument('--source', required=True)
    parser.add_argument('--prefix', required=True)
    parser.add_argument('--libdir', required=True)
    parser.add_argument('--compiler', required=True)
    parser.add_argument('--flag', action='append', default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        run(['meson', 'install', '-C', options.build, '--no-rebuild', '--destdir', tmp])
        root = tmp + options.prefix
        lib = os.path.join(root, options.libdir)
        missing = [name for name in WANTED if not os.path.exists(os.path.join(root, name))]
        if missing:
            sys.exit('not installed: ' + ', '.join(missing))
        shown = {line.split()[-1].split('@')[0] for line in
                 run(['nm', '-D', '--defined-only', os.path.join(lib, 'libringless.so')]).splitlines()}
        foreign = [name for name in shown if not name.startswith(('rgl_', 'RINGLESS_', '__asan', '__odr_asan'))]
        if foreign:
            sys.exit('the shared library shows ' + ', '.join(foreign))
        environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(lib, 'pkgconfig'), PKG_CONFIG_SYSROOT_DIR=tmp,
                           LD_LIBRARY_PATH=lib)
        package = lambda *words: run(['pkg-config', *words, 'ringless'], env=environment).split()
        sources = {'requests': os.path.join(options.source, 'examples', 'requests.c'),
                   'exports': os.path.join(options.source, 'tests', 'install', 'exports.c')}
        counts = set()
        for kind in ('shared', 'static'):
            if kind == 'shared':
                libs = package('--libs')
            else:
                libs = ['-l:libringless.a' if word == '-lringless' else word for word in package('--libs', '--static')]
            for name, source in sources.items():
                program = os.path.join(tmp, f'{name}-{kind}')
                run([options.compiler, source, '-o', program, *options.flag, *package('--cflags'), *libs])
                arguments = [os.path.join(options.build, 'sys', 'dispatch-separate.sys')] if name == 'requests' else []
                printed = run([program, *arguments], env=environment, timeout=30)
                if name == 'exports':
                    counts.add(printed)
                elif printed != open(os.path.join(options.source, 'examples', 'requests.expected')).read():
                    sys.exit(printed)
        listed = len(run([os.path.join(root, 'bin', 'ringless'), 'exports']).splitlines())
        if counts != {f'{listed}\n'}:
            sys.exit(f'the program has {listed} exports, the libraries {counts}')
        print(f'installed, {listed} exports in each')


if __name__ == '__main__':
    main()
