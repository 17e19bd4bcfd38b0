#!/usr/bin/env python3
"""docs/tutorial.md as its reader works through it: files are written as they
stand there, commands run in their order, and print what the page says. What is
in the folder at the end is docs/examples/tutorial."""
import glob
import os
import re
import shlex
import subprocess
import sys

import lib

EXAMPLES = os.path.join(lib.ROOT, 'docs', 'examples', 'tutorial')


def blocks(page):
    """(text before it, lines) of each indented block."""
    out, before, lines = [], '', []
    for line in page.split('\n') + ['.']:
        if line.startswith('    '):
            lines.append(line[4:])
        elif not line and lines:
            lines.append('')
        else:
            if lines:
                while not lines[-1]:
                    lines.pop()
                out.append((before, lines))
                before, lines = '', []
            before += line + '\n'
    return out


def commands(lines):
    """(command, lines of its output) of a block."""
    out = []
    for line in lines:
        if line.startswith('$ '):
            out.append((line[2:], []))
        else:
            out[-1][1].append(line)
    return out


def prints(found, wanted):
    """The first wanted line that is not there; `...` skips lines."""
    at, skip = 0, False
    for line in wanted:
        if line == '...':
            skip = True
        elif skip:
            while at < len(found) and found[at] != line:
                at += 1
            if at == len(found):
                return line
            at, skip = at + 1, False
        elif at == len(found) or found[at] != line:
            return line
        else:
            at += 1
    return None if skip or at == len(found) else 'nothing behind it'


def work(c, sim, d):
    """How many files and commands there were."""
    with open(os.path.join(lib.ROOT, 'docs', 'tutorial.md')) as f:
        page = f.read()
    files = runs = code = 0
    for before, lines in blocks(page):
        if not lines[0].startswith('$ '):
            names = re.findall(r'`(\d-[a-z-]+\.ktls\.yaml)`', before)
            with open(os.path.join(d, names[-1]), 'w') as f:
                f.write('\n'.join(lines) + '\n')
            files += 1
            continue
        for command, wanted in commands(lines):
            if command == 'echo $?':
                c.equal(wanted, [str(code)], 'exit code')
                continue
            args = shlex.split(command)
            if args[0] != 'ktls-sim':
                raise SystemExit('what is `%s`?' % command)
            r = lib.run(sim, args[1:], cwd=d)
            code, runs = r.returncode, runs + 1
            # Progress of `test` depends on the machine.
            told = [l for l in r.stderr.splitlines()
                    if not re.match(r'\d+ of \d+ done', l)]
            bad = prints(r.stdout.splitlines() + told, wanted)
            c.check(bad is None, '$ %s\n  wanted: %s\n  found: %s' %
                    (command, bad, '\n  '.join((r.stdout + r.stderr)
                                               .splitlines()[:60])))
    return files, runs


def main():
    c = lib.Checks()
    sim = sys.argv[1]
    with lib.tmpdir() as d:
        c.equal(work(c, sim, d), (6, 23), 'files and commands')
        for path in sorted(glob.glob(os.path.join(d, '*.ktls.yaml'))):
            kept = os.path.join(EXAMPLES, os.path.basename(path))
            if os.environ.get('KTLS_BLESS') == '1':
                subprocess.run(['cp', path, kept], check=True)
            with open(path) as f, open(kept) as g:
                c.equal(g.read(), f.read(), kept)
        c.equal(sorted(os.listdir(EXAMPLES)),
                sorted(n for n in os.listdir(d) if n.endswith('.ktls.yaml')),
                'docs/examples/tutorial')
    c.done()


main()
