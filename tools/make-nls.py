#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes src/rtl/nls_data.c: case tables of the BMP and the code pages 1252 and 437.

usage: tools/make-nls.py > src/rtl/nls_data.c

Case: simple mappings of Unicode that go there and back (so U+0131, U+017F, U+00B5 and the title case letters
stay), as in the up-case table that Microsoft's exFAT specification prints; final sigma is the one exception
there and here. Georgian Mtavruli and small Cherokee came to Unicode after that table was frozen and are left out.
Code pages: Python's codecs; the bytes that 1252 leaves undefined map to C1 controls, as on Windows. A character
that a page does not have has a "best fit": for 1252 the pairs that Unicode's copy of Microsoft's table has
(VENDORS/MICSFT/WindowsBestFit/bestfit1252.txt); for 437 the base character of its compatibility decomposition.
"""
import unicodedata

PAGE = 64

# Best fit of code page 1252 outside of what decomposition gives: runs of characters, then their bytes.
EXTRA_1252 = [
    (0x110, "\xd0d"), (0x126, "Hh"), (0x131, "i"), (0x141, "Ll"), (0x166, "Tt"), (0x180, "b"), (0x189, "\xd0"),
    (0x191, "\x83"), (0x197, "I"), (0x19A, "l"), (0x19F, "O"), (0x1AB, "t"), (0x1AE, "T"), (0x1B6, "z"), (0x1C0, "|"),
    (0x1C3, "!"), (0x1E4, "Gg"), (0x261, "g"), (0x2B9, "'\""), (0x2BC, "'"), (0x2C4, "^"), (0x2C8, "'\xaf\xb4`"),
    (0x2CD, "_"), (0x2DA, "\xb0"), (0x300, "`\xb4^~\xaf\xaf"), (0x308, "\xa8"), (0x30A, "\xb0"), (0x30E, '"'),
    (0x327, "\xb8"), (0x331, "__"), (0x37E, ";"), (0x393, "G"), (0x398, "T"), (0x3A3, "S"), (0x3A6, "F"), (0x3A9, "O"),
    (0x3B1, "a\xdf"), (0x3B4, "de"), (0x3BC, "\xb5"), (0x3C0, "p"), (0x3C3, "st"), (0x3C6, "f"), (0x4BB, "h"),
    (0x589, ":"), (0x66A, "%"), (0x2000, "       "), (0x2010, "--"), (0x2017, "="), (0x2024, "\xb7"), (0x2032, "'"),
    (0x2035, "`"), (0x2044, "/"), (0x2070, "\xb0"), (0x2074, "45678"), (0x207F, "n"), (0x2080, "0123456789"),
    (0x20A1, "\xa2"), (0x20A4, "\xa3"), (0x20A7, "P"), (0x2102, "C"), (0x2107, "E"), (0x210A, "gHHHh"), (0x2110, "IILl"),
    (0x2115, "N"), (0x2118, "PPQRRR"), (0x2124, "Z"), (0x2128, "Z"), (0x212A, "K\xc5BCeeEF"), (0x2133, "Mo"),
    (0x2205, "\xd8"), (0x2212, "-\xb1"), (0x2215, "/\\*\xb0\xb7v"), (0x221E, "8"), (0x2223, "|"), (0x2229, "n"),
    (0x2236, ":"), (0x223C, "~"), (0x2248, "\x98"), (0x2261, "="), (0x2264, "=="), (0x226A, "\xab\xbb"), (0x22C5, "\xb7"),
    (0x2302, "\xa6^"), (0x2310, "\xac"), (0x2320, "()"), (0x2329, "<>"), (0x2500, "-"), (0x2502, "\xa6"), (0x250C, "+"),
    (0x2510, "+"), (0x2514, "+"), (0x2518, "+"), (0x251C, "+"), (0x2524, "\xa6"), (0x252C, "-"), (0x2534, "-"),
    (0x253C, "+"), (0x2550, "-\xa6" + "+" * 12 + "\xa6" * 6 + "-" * 6 + "+++"), (0x2580, "\xaf"), (0x2584, "_"),
    (0x2588, "\xa6"), (0x258C, "\xa6"), (0x2590, "\xa6\xa6\xa6\xa6"), (0x25A0, "\xa6"), (0x263C, "\xa4"), (0x2758, "|"),
    (0x3000, " "), (0x3008, "<>\xab\xbb"), (0x301A, "[]"), (0x30FB, "\xb7"),
]
WITHOUT_BEST_FIT = {0x17F, 0x1E0, 0x1E1, 0x1E2, 0x1E3, 0x1EE, 0x1EF}


def simple_upper(c):
    up = c.upper()
    if len(up) != 1:
        up = c.title()
    if len(up) != 1 or ord(up) > 0xFFFF or up == c:
        return c
    return up


def case_tables():
    upper, lower = list(range(65536)), list(range(65536))
    for code in range(65536):
        c = chr(code)
        if 0xD800 <= code < 0xE000 or 0x10D0 <= code < 0x1100 or 0xAB70 <= code < 0xABC0 or 0x13F8 <= code < 0x1400:
            continue
        up = simple_upper(c)
        back = up.lower()
        if up != c and (back == c or code == 0x3C2):
            upper[code] = ord(up)
            if back == c:
                lower[ord(up)] = code
    return upper, lower


def emit_numbers(values, width, form):
    for i in range(0, len(values), width):
        print("    " + " ".join(form % v + "," for v in values[i:i + width]))


def emit_paged(name, table, comment):
    pages, index = [], []
    for i in range(0, 65536, PAGE):
        page = tuple((table[j] - j) & 0xFFFF for j in range(i, i + PAGE))
        if page not in pages:
            pages.append(page)
        index.append(pages.index(page))
    print(f"/* {comment} */")
    print(f"const UCHAR rtl_{name}_page[{len(index)}] = {{")
    for i in range(0, len(index), 16):
        if any(index[i:i + 16]):
            print(f"    [{i}] = " + " ".join("%d," % v for v in index[i:i + 16]))
    print("};")
    print(f"const USHORT rtl_{name}_delta[{len(pages)}][{PAGE}] = {{")
    for page in pages:
        values = [v - 65536 if v > 32767 else v for v in page]
        if not any(values):
            print("    {0},")
            continue
        print("    {")
        for i in range(0, PAGE, 16):
            if any(values[i:i + 16]):
                print(f"    [{i}] = " + " ".join("%d," % (v & 0xFFFF) for v in values[i:i + 16]))
        print("    },")
    print("};\n")


def decode(codec, byte):
    try:
        return ord(bytes([byte]).decode(codec))
    except UnicodeDecodeError:
        return byte


def best_fit(code, reverse):
    """The byte for a character that the page lacks, or None."""
    text = unicodedata.normalize("NFKD", chr(code))
    base = [c for c in text if not unicodedata.combining(c)]
    if len(base) == 1 and base[0] != chr(code) and ord(base[0]) in reverse:
        return reverse[ord(base[0])]
    return None


def emit_code_page(name, codec):
    forward = [decode(codec, b) for b in range(256)]
    reverse = {}
    for byte, code in enumerate(forward):
        reverse.setdefault(code, byte)
    back = {code: byte for code, byte in reverse.items() if code >= 0x80}
    for code in list(range(0x80, 0x1F1)) + list(range(0xFF01, 0xFF5F)):
        if code not in reverse and code not in WITHOUT_BEST_FIT:
            byte = best_fit(code, reverse)
            if byte is not None:
                back[code] = byte
    for first, text in EXTRA_1252 if name == "1252" else []:
        for i, c in enumerate(text):
            back[first + i] = ord(c)
    pairs = sorted(back.items())
    print(f"/* Bytes 0x80..0xFF of code page {name}. */")
    print(f"const WCHAR rtl_cp{name}_high[128] = {{")
    emit_numbers(forward[128:], 16, "0x%04X")
    print("};")
    print(f"/* The way back, sorted: character << 8 | byte. */")
    print(f"const ULONG rtl_cp{name}_back[{len(pairs)}] = {{")
    emit_numbers([code << 8 | byte for code, byte in pairs], 12, "0x%X")
    print("};")
    print(f"const ULONG rtl_cp{name}_back_count = {len(pairs)};\n")


print("""/* SPDX-License-Identifier: MIT */
/*
 * Case and code page tables, written by tools/make-nls.py: do not edit.
 */
/* clang-format off */
#include "rtl/nls.h"
""")
upper, lower = case_tables()
emit_paged("upper", upper, "rtl_upper_delta[rtl_upper_page[c / 64]][c % 64] added to c (modulo 65536) is its upper case.")
emit_paged("lower", lower, "The same for lower case.")
emit_code_page("1252", "cp1252")
emit_code_page("437", "cp437")
