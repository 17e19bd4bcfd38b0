#!/usr/bin/env python3
"""`ktls-sim list errors` against the source: each errno that a file of the
simulated kernel or of a card can answer has a row that names this file, and no
row speaks of an errno that its file does not know."""
import errno
import os
import re
import sys

import lib

NAMES = {n for n in dir(errno) if n.startswith('E')}
ROW = re.compile(r'^    ([\w/]+\.c): ')


def answers(path):
    """Errnos of a file, without those that are only compared with."""
    with open(path) as f:
        text = f.read()
    text = re.sub(r'/\*.*?\*/|"(\\.|[^"\\])*"', '', text, flags=re.S)
    text = re.sub(r'([=!]=\s*|case\s+)E[A-Z0-9]+\b', '', text)
    return {e for e in re.findall(r'\bE[A-Z0-9]+\b', text) if e in NAMES}


def main():
    c = lib.Checks()
    found = set()
    for top in ('src', 'nicmodel'):
        for folder, _, files in os.walk(os.path.join(lib.ROOT, top)):
            for f in files:
                path = os.path.join(folder, f)
                # src/base is the laboratory's too: no kernel speaks there.
                if f.endswith('.c') and not path.startswith(
                        os.path.join(lib.ROOT, 'src', 'base')):
                    found |= {(e, os.path.relpath(path, lib.ROOT))
                              for e in answers(path)}
    c.check(len(found) > 60, 'only %d answers found' % len(found))
    r = lib.run(sys.argv[1], ['list', 'errors'])
    c.equal(r.returncode, 0, 'list errors: ' + r.stderr)
    told, name = set(), None
    for line in r.stdout.splitlines():
        head = re.match(r'^(E[A-Z0-9]+)  \S', line)
        row = ROW.match(line)
        name = head.group(1) if head else name if line else None
        if row and name:
            told.add((name, row.group(1)))
    for e, path in sorted(found - told):
        c.check(False, '%s answers %s: give it a row in '
                'include/ktsim/base/errno_causes.def' % (path, e))
    for e, path in sorted(told - found):
        c.check(False, '%s does not answer %s: take the row away' % (path, e))
    c.check(told, 'rows')
    # The other two parts, from the tables that the commands use.
    for code in (0, 1, 2, 3, 4, 130):
        c.check(re.search(r'^%d +\w' % code, r.stdout, re.M),
                'exit code %d' % code)
    for word in ('error', 'note'):
        c.check(re.search(r'^%s +\w' % word, r.stdout, re.M), word)
    c.done()


if __name__ == '__main__':
    main()
