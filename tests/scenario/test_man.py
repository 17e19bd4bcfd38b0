#!/usr/bin/env python3
"""The manual pages are what the program says of itself: commands, options and
exit codes of --help, keys of the table, functions of ktlssim.h. mandoc finds
nothing to warn of."""
import os
import re
import shutil
import subprocess
import sys

import lib

MAN = os.path.join(lib.ROOT, 'docs', 'man')


def page(sim, name, d):
    """A page as the build makes it."""
    path = os.path.join(MAN, name + '.in')
    if not os.path.exists(path):
        return os.path.join(MAN, name)
    r = subprocess.run(['sh', os.path.join(MAN, 'fill.sh'),
                        os.path.abspath(sim), path],
                       capture_output=True, text=True)
    if r.returncode != 0 or r.stderr:
        raise SystemExit('fill.sh: ' + r.stderr)
    out = os.path.join(d, name)
    with open(out, 'w') as f:
        f.write(r.stdout)
    return out


def text(path):
    with open(path) as f:
        return f.read()


def plain(mdoc):
    """Without what keeps roff from seeing macros."""
    return mdoc.replace('\\-', '-').replace('\\&', '').replace(
        '\\(aq', "'").replace('\\(dq', '"').replace('\\e', '\\')


def options(help_text):
    """Those that --help explains."""
    found = []
    for line in re.findall(r'^  (?:-\w, )?(--[a-z].*)$', help_text, re.M):
        found += re.findall(r'(?:^|, )--([a-z-]+)', line)
    return sorted(set(found))


def commands(c, sim, mdoc):
    listed = re.findall(r'^(\S+)', lib.run(sim, ['list', 'commands']).stdout,
                        re.M)
    helped = re.findall(r'^  (\S+) ', lib.run(sim, ['help']).stdout, re.M)
    c.equal(listed + ['help', 'version'], helped, 'list commands, and help')
    parts = re.split(r'^\.Ss (.*)$', mdoc, flags=re.M)
    c.equal(['ktls-sim ' + n for n in listed] +
            ['Options of every command'], parts[1::2], 'commands of the page')
    common = re.findall(r'Fl -([a-z]+)', parts[-1].split('.Sh')[0])
    c.equal(common, ['color', 'help'], 'options of every command')
    for name, part in zip(listed, parts[2::2]):
        h = lib.run(sim, [name, '--help']).stdout
        c.equal(sorted(re.findall(r'^\.It .*Fl -([a-z-]+)', part, re.M) +
                       common), options(h), 'options of ' + name)
        usage = h.split('\n\n')[0].replace('usage:', '').split('\n')
        for line in usage:
            c.check(line.strip() in part, '%s: %s' % (name, line))
    c.check(listed.index('run') == 0 and len(listed) >= 16, str(listed))


def codes(c, sim, mdoc):
    """One table for --help, `list errors`, the page and README."""
    part = mdoc.split('.Sh EXIT STATUS')[1].split('.Sh')[0]
    found = re.findall(r'^\.It (\d+)\n(.*)$', part, re.M)
    help_text = lib.run(sim, ['run', '--help']).stdout.split('Exit codes:')[1]
    c.equal(found, re.findall(r'^  (\d+) +(.*)$', help_text, re.M), 'codes')
    listed = lib.run(sim, ['list', 'errors']).stdout
    readme = text(os.path.join(lib.ROOT, 'README.md'))
    for code, what in found:
        c.check(re.search(r'^%s +%s$' % (code, re.escape(what)), listed, re.M),
                'list errors: ' + code)
        c.check(re.search(r'\b%s\b' % code, readme), 'README: ' + code)


def keys(c, sim, mdoc):
    table = lib.run(sim, ['list', 'keys']).stdout
    rows = re.findall(r'^\| `([^`]+)` \| .* \| (\S+) \| (.*) \|$', table, re.M)
    part = mdoc.split('.Sh KEYS')[1]
    c.equal(re.findall(r'^\.It Sy "(.*)"$', part, re.M), [r[0] for r in rows],
            'keys of the page')
    c.equal(re.findall(r'^Since (\S+)\.$', part, re.M), [r[1] for r in rows],
            'versions')
    c.check(len(rows) > 200, '%d keys' % len(rows))
    for path, _, meaning in rows:
        c.check(meaning.replace('`', '')[:20] in
                re.sub(r'\\\([oc]q', '', part), path + ': ' + meaning)


def library(c, mdoc):
    header = text(os.path.join(lib.ROOT, 'include', 'ktlssim.h'))
    declared = re.findall(r'^[a-z].*?\b(ktlssim_\w+)\(',
                          re.sub(r'/\*.*?\*/', '', header, flags=re.S), re.M)
    c.check(len(declared) > 45, '%d functions' % len(declared))
    c.equal(re.findall(r'^\.Fo (\w+)$', mdoc, re.M), declared, 'ktlssim.3')
    told = mdoc.split('.Sh DESCRIPTION')[1]
    for name in declared:
        c.check(re.search(r'^\.Fn %s( |$)' % name, told, re.M),
                'nothing is said of ' + name)
    source = text(os.path.join(lib.ROOT, 'sim', 'lib', 'freebsd',
                               'fbsd_world.c'))
    c.equal(sorted(re.findall(r'^\.It Ev (\w+)$', mdoc, re.M)),
            sorted(re.findall(r'getenv\("(\w+)"\)', source)), 'environment')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    names = ['ktls-sim.1', 'ktls-sim-scenario.5', 'ktlssim.3']
    with lib.tmpdir() as d:
        paths = [page(sim, n, d) for n in names]
        texts = [plain(text(p)) for p in paths]
        commands(c, sim, texts[0])
        codes(c, sim, texts[0])
        keys(c, sim, texts[1])
        library(c, texts[2])
        mandoc = shutil.which('mandoc')
        for p in paths if mandoc else []:
            r = subprocess.run([mandoc, '-T', 'lint', '-W', 'warning', p],
                               capture_output=True, text=True)
            c.equal((r.returncode, r.stdout), (0, ''), 'mandoc of ' + p)
    if c.bad == 0 and not mandoc:
        lib.skip('no mandoc')
    c.done()


main()
