#!/usr/bin/env python3
"""A libFuzzer dictionary of the key table: make_dict.py docs/scenario.md
(which a test holds equal to the table) prints every key, every word a value
can be, every default, and what YAML and units are made of."""
import re
import sys

MORE = ['#set ', ': ', '- ', '---', '...', '{', '}', '[', ']', ', ', '"', "'",
        '&a', '*a', '<<', '<<: *a', '[*a, *a]', '!!str', '|', '>', '%', '\t', '\n', '\n  ', '\n    ',
        'ps', 'ns', 'us', 'ms', 's', 'min', 'bit/s', 'kbit/s', 'Gbit/s', 'B',
        'KiB', 'MiB', 'GiB', '10.0.0.1/24', 'fd00::1/64', 'a.n0', 'lagg0',
        '18446744073709551615', '0.1', '-1', 'true', 'false', 'x-', '\\0', '=']


def words(page):
    for line in page.splitlines():
        m = re.match(r'\| `([^`]+)` \| (.*?) \| (.*?) \| ', line)
        if not m:
            continue
        yield m.group(1).rsplit('.', 1)[-1].replace('[]', '')
        yield from re.findall(r'`([^`]+)`', m.group(2))
        if m.group(3) and m.group(3) != 'required':
            yield m.group(3)


def entry(word):
    return '"%s"' % ''.join(
        ch if 32 <= ord(ch) < 127 and ch not in '"\\' else
        '\\x%02x' % ord(ch) for ch in word)


def main():
    with open(sys.argv[1]) as f:
        found = sorted(set(words(f.read())))
    if len(found) < 50:
        sys.exit('only %d words in the key table' % len(found))
    print('\n'.join(entry(w) for w in found + MORE))


main()
