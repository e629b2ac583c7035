#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed.py FILE NAME > C: the file's bytes as an array."""
import sys

data = open(sys.argv[1], 'rb').read()
print(f'extern const unsigned char {sys.argv[2]}[];\nextern const unsigned long {sys.argv[2]}_length;')
print(f'const unsigned char {sys.argv[2]}[] = {{' + ','.join(map(str, data)) + '};')
print(f'const unsigned long {sys.argv[2]}_length = {len(data)};')
