#!/usr/bin/env python3
"""docs/scenario.md is the key table; docs/scenarios.md names every scenario and
README every command; the defects table of docs/architecture.md is the
catalogue; every page is in the index, and no link is dead."""
import glob
import os
import re
import sys

import lib

try:
    import yaml
except ImportError:
    yaml = None


def read(name):
    with open(os.path.join(lib.ROOT, name)) as f:
        return f.read()


BEGIN, END = '<!-- models: begin -->\n', '<!-- models: end -->\n'


def nics_page(c, sim):
    """docs/nics.md has the models' own descriptions, and all that it says of
    them elsewhere is there."""
    page = os.path.join(lib.ROOT, 'docs', 'nics.md')
    text = read('docs/nics.md')
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    tables = lib.run(sim, ['list', 'models', '--markdown']).stdout
    wanted = head + BEGIN + tables + END + tail
    if os.environ.get('KTLS_BLESS') == '1':
        with open(page, 'w') as f:
            f.write(wanted)
    c.equal(read('docs/nics.md'), wanted,
            'docs/nics.md (KTLS_BLESS=1 rewrites it)')
    names = re.findall(r'^(\S+)', lib.run(sim, ['list', 'models']).stdout, re.M)
    c.equal(re.findall(r'^### `(\w+)`', tables, re.M), names, 'models')
    # Wireshark's side of the numbers of models is the program's.
    codes = dict(re.findall(r'\{ "(\w+)", (\d+) \}', read('sim/tap/dma.c')))
    lua = read('contrib/ktls-sim-dma.lua')
    table = lua.split('local MODELS = {')[1].split('\n}')[0]
    known = {name: n for n, name in
             re.findall(r'\[(\d+)\] = \{ name = "(\w+)"', table)}
    c.equal(known.pop('unknown', None), '0', 'a model without a number')
    c.equal(known, codes, 'numbers of models, sim/tap/dma.c and the Lua file')
    for name, n in codes.items():
        c.check('%s `%s`' % (n, name) in head, 'docs/nics.md: %s' % name)
    for name in names:
        c.check(name in codes, name + ' has no number in sim/tap/dma.c')
    orders = lib.run(sim, ['explain', 'timeline.order']).stdout
    for order in re.findall(r'^\| `([a-z-]+)` \|', tables.split(
            '### Orders')[1], re.M):
        c.check(re.search(r'[ ,]%s(,|$)' % order, orders, re.M),
                'explain timeline.order: ' + order)
    

def traces(c):
    """Each point of the catalogue is told by somebody."""
    points = re.findall(r'^TRACE_POINT\((\w+),', read('include/ktsim/base/trace_points.def'), re.M)
    sources = ''.join(read(os.path.relpath(f, lib.ROOT)) for top in ('src', 'sim', 'nicmodel')
                      for f in glob.glob(os.path.join(lib.ROOT, top, '**', '*.c'), recursive=True))
    c.check(len(points) > 40, '%d trace points' % len(points))
    for p in points:
        c.check(re.search(r'TRACE\([^;]*?,\s*%s,|TP_%s[,;]' % (p, p), sources), 'nobody tells ' + p)


def ci(c, sim):
    """The files for people's own repositories; every option of ours is one."""
    ours = lib.run(sim, ['test', '--help']).stdout + \
        lib.run(sim, ['merge', '--help']).stdout
    testing = read('docs/testing.md')
    for name in ('github-actions.yml', 'gitlab-ci.yml'):
        text = read('contrib/ci/' + name)
        c.check(name in testing, 'docs/testing.md does not name ' + name)
        calls = re.findall(r'ktls-sim (?:test|merge) [^|\n]*(?:\n +--[^|\n]*)*',
                           text)
        c.check(len(calls) == 2, '%s: calls %s' % (name, calls))
        for option in re.findall(r'(--[a-z]+)', ' '.join(calls)):
            c.check(option in ours, '%s: %s' % (name, option))
        if yaml is None:
            continue
        jobs = yaml.safe_load(text)
        if name == 'gitlab-ci.yml':
            c.equal([jobs['shard']['parallel'], jobs['stages'],
                     jobs['result']['stage']], [4, ['run', 'result'],
                                                'result'], name)
            continue
        c.equal([jobs['jobs']['shard']['strategy']['matrix']['k'],
                 jobs['jobs']['result']['needs']],
                [[1, 2, 3, 4], 'shard'], name)
        # YAML 1.1 takes the word for a truth value.
        c.check(jobs.get('on', jobs.get(True)) == ['push', 'pull_request'],
                name)


def anchor(heading):
    """What a heading is called in a link."""
    return re.sub(r'[^a-z0-9 -]', '', heading.lower()).replace(' ', '-')


def links(c):
    """The index has every page, once; what pages link to is there."""
    docs = os.path.join(lib.ROOT, 'docs')
    pages = sorted(n for n in os.listdir(docs) if n.endswith('.md'))
    index = re.findall(r'^\| \[(\S+)\]\(', read('docs/README.md'), re.M)
    c.equal(sorted(index), ['../README.md'] +
            [n for n in pages if n != 'README.md'], 'docs/README.md')
    seen = 0
    for name in ['README.md'] + ['docs/' + n for n in pages]:
        text = re.sub(r'^ {4}.*$|`[^`]*`', '', read(name), flags=re.M)
        for target in re.findall(r'\]\(([^)\s]+)\)', text):
            if re.match(r'https?:', target):
                continue
            seen += 1
            path, _, part = target.partition('#')
            path = os.path.normpath(os.path.join(
                lib.ROOT, os.path.dirname(name), path)) if path else \
                os.path.join(lib.ROOT, name)
            c.check(os.path.exists(path), '%s: dead link %s' % (name, target))
            if part and os.path.isfile(path):
                heads = re.findall(r'^#+ (.*)$', read(path), re.M)
                c.check(part in map(anchor, heads),
                        '%s: no such heading: %s' % (name, target))
    c.check(seen > 80, 'only %d links' % seen)


def readme_failure(c, sim):
    """The failed claim that README shows is what its change prints."""
    shown = read('README.md').split('$ ktls-sim run mine.ktls.yaml\n')[1]
    shown = [l[4:] for l in shown.split('\n\n')[0].split('\n')]
    with lib.tmpdir() as d:
        f = lib.edited('quickstart', d, ('dir: tx, is: sw', 'dir: tx, is: ifnet'))
        os.rename(f, os.path.join(d, 'mine.ktls.yaml'))
        r = lib.run(sim, ['run', 'mine.ktls.yaml'], cwd=d)
    c.equal(r.returncode, 1, r.stderr)
    for line in shown:
        c.check(line in ('...', '') or
                line in (r.stdout + r.stderr).split('\n'),
                'README: %s\n%s' % (line, r.stdout[-900:]))
    c.check(len(shown) > 4, str(shown))


def readme_asking(c, sim):
    """Its questions have answers."""
    part = read('README.md').split('## Asking')[1].split('\n## ')[0]
    asked = re.findall(r'^    ktls-sim (.*?) +# ', part, re.M)
    c.check(len(asked) == 5, str(asked))
    with lib.tmpdir() as d:
        os.symlink(lib.SCENARIOS, os.path.join(d, 'scenarios'))
        lib.run(sim, ['run', 'scenarios/quickstart.ktls.yaml'], cwd=d)
        for line in asked:
            r = lib.run(sim, line.split(), cwd=d)
            c.check(r.returncode == (1 if line.startswith('diff') else 0) and
                    len(r.stdout) > 100, '%s: %s' % (line, r.stderr))


def bounds(c, table):
    """Those of docs/limitations.md are the table's."""
    rows = re.findall(r'^\| `([^`]+)` \| (\S.*) \|$',
                      read('docs/limitations.md'), re.M)
    c.check(len(rows) >= 5, str(rows))
    for key, most in rows:
        row = re.search(r'^\| `%s` \| .*$' % re.escape(key), table, re.M)
        c.check(row and ' to %s |' % most in row.group(0),
                'docs/limitations.md: %s at most %s' % (key, most))


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    page = os.path.join(lib.ROOT, 'docs', 'scenario.md')
    table = lib.run(sim, ['list', 'keys']).stdout
    head = read('docs/scenario.md').split('| key |')[0]
    if os.environ.get('KTLS_BLESS') == '1':
        with open(page, 'w') as f:
            f.write(head + table)
    c.equal(read('docs/scenario.md'), head + table,
            'docs/scenario.md (KTLS_BLESS=1 rewrites it)')
    # `explain` knows every key of the table, and the nearest to a wrong one.
    for path in re.findall(r'^\| `([^`]+)` \|', table, re.M):
        r = lib.run(sim, ['explain', path.replace('NAME', 'x')])
        c.check(r.returncode == 0 and r.stdout.startswith(
            path.replace('.NAME', '').replace('[]', '')), 'explain ' + path)
    r = lib.run(sim, ['explain', 'hosts.cpu'])
    c.equal(r.returncode, 2, 'explain hosts.cpu')
    c.check('did you mean `hosts.cpus`?' in r.stderr, r.stderr)
    r = lib.run(sim, ['explain', 'links.rate'])
    c.equal(r.stdout, 'links.rate\n  bits per second, each direction\n'
            '  value:   rate with unit\n  default: 100Gbit/s\n  since:   0.1\n'
            '  bounds:  1000 to 10000000000000 bit/s\n', 'explain links.rate')
    version = re.search(r"version: '(\d+\.\d+)\.\d+'", read('meson.build'))
    since = dict(re.findall(
        r'^\| `([^`]+)` \| .*? \| .*? \| (\S+) \| .* \|$', table, re.M))
    c.equal(len(since), table.count('\n') - 2, 'every key says since when')
    with open(os.path.join(lib.ROOT, 'tests', 'scenario', 'keys-0.1.txt')) as f:
        first = f.read().split()
    c.equal(sorted(k for k, v in since.items() if v == '0.1'), sorted(first),
            'keys that the first version had')
    for key, v in since.items():
        c.check(float(v) <= float(version.group(1)),
                '%s is since %s, this is %s' % (key, v, version.group(1)))
    nics_page(c, sim)
    traces(c)
    links(c)
    readme_failure(c, sim)
    readme_asking(c, sim)
    bounds(c, table)
    readme, arch = read('README.md'), read('docs/architecture.md')
    listed = read('docs/scenarios.md')
    for path in glob.glob(os.path.join(lib.SCENARIOS, '*.ktls.yaml')):
        name = os.path.basename(path)[:-len('.ktls.yaml')]
        c.check('`%s`' % name in listed,
                'docs/scenarios.md does not name ' + name)
    help_text = lib.run(sim, ['help']).stdout
    for command in re.findall(r'^  (\S+) ', help_text, re.M):
        c.check(command in ('help', 'version') or
                'ktls-sim ' + command in readme,
                'README does not name the command ' + command)
    for line in lib.run(sim, ['list', 'defects']).stdout.splitlines():
        c.check('`%s`' % line.split()[0] in arch,
                'docs/architecture.md does not name ' + line.split()[0])
    ci(c, sim)
    c.done()


main()
