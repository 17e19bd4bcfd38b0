#!/usr/bin/env python3
"""The museum: every exhibit passes as it is, and with its defects planted is
caught by what it says; the command's list, show and run; docs/museum.md."""
import glob
import json
import os
import re
import shutil
import sys

import lib

FOLDER = os.path.join(lib.SCENARIOS, 'museum')
PAGE = os.path.join(lib.ROOT, 'docs', 'museum.md')
BEGIN, END = '<!-- exhibits: begin -->\n', '<!-- exhibits: end -->\n'
# Of the core twenty-four, with the reason in docs/museum.md.
MISSING = {'M09', 'M16'}

LIVE = '''# M99: a story.
ktls_sim: 1
name: M99-live
exhibit: {id: M99, title: x, defects: kern.lost-wakeup, caught_by: invariant 7}
hosts:
  server:
    nics: {mce0: {}}
    addresses: {mce0: 10.77.0.1/24}
    files: {/f: {size: 1KiB}}
links:
  - {ends: [server.mce0, "tap:ktls0"]}
apps:
  web: {type: https-server, host: server, tls: {tx: openssl}}
'''


def museum(sim, *args, cwd=lib.ROOT):
    return lib.run(sim, ['museum', *args], cwd=cwd)


def catalogue(sim):
    """Of each defect what catches it: `invariant 3`, `claim`."""
    text = lib.run(sim, ['list', 'defects']).stdout
    return dict(re.findall(r'^(\S+) +(invariant \d|claim|unit test):', text, re.M))


def files(c, sim, exhibits):
    """What each file says of itself."""
    catches = catalogue(sim)
    paths = sorted(os.path.relpath(p, lib.ROOT) for p in
                   glob.glob(os.path.join(FOLDER, '*.ktls.yaml')))
    c.equal([e['file'] for e in exhibits], paths, 'all files are exhibits')
    ids = [e['id'] for e in exhibits]
    c.equal(sorted(set(ids)), ids, 'ids are unique, and in order')
    c.equal({'M%02d' % n for n in range(1, 25)} - set(ids), MISSING, 'core')
    for e in exhibits:
        with open(os.path.join(lib.ROOT, e['file'])) as f:
            text = f.read()
        base = os.path.basename(e['file'])[:-len('.ktls.yaml')]
        c.equal(re.search(r'^name: (.*)', text, re.M).group(1), 'M' + base, base)
        c.equal('M' + base.split('-')[0], e['id'], base)
        c.check(text.startswith('# %s: ' % e['id']), base + ': story')
        c.check(e['links'] and all(re.match(r'https://\S+$', u) for u in e['links']),
                base + ': links')
        c.check('museum' in re.search(r'^tags: \[(.*)\]', text, re.M).group(1).split(', '),
                base + ': tag')
        # The situation is claimed, not only the outcome.
        c.check(len(re.findall(r'^  - ', text.split('\nexpect:')[1], re.M)) >= 2
                or e['id'] == 'M04', base + ': claims')
        for d in e['defects']:
            c.check(e['caught_by'].startswith(catches[d]), '%s: %s is caught by %s, '
                    'not %s' % (base, d, catches[d], e['caught_by']))


def suite(c, sim, exhibits, d):
    """Each case, by the report of the runner."""
    r = lib.run(sim, ['test', '--quiet', '--out', d, '--json', '-', 'scenarios/museum'],
                cwd=lib.ROOT)
    c.equal(r.returncode, 0, 'suite: ' + r.stderr)
    cases = json.loads(r.stdout)['cases']
    by = {e['file']: e for e in exhibits}
    halves = {}
    for case in cases:
        e = by[case['file']]
        c.equal(case['verdict'], 'passed', case['name'])
        planted = 'defects' in case
        halves.setdefault(e['id'], []).append(planted)
        if not planted:
            c.equal([case['claims'], case['broken']], [[], []], case['name'])
            continue
        c.equal([case['defects'], case['caught_by'], case['code']],
                [','.join(e['defects']), e['caught_by'],
                 4 if e['caught_by'].startswith('invariant') else 1], case['name'])
        told = ['invariant %d' % b['number'] for b in case['broken']] + \
            ['claim ' + b['name'] for b in case['claims'] if b.get('name')]
        c.check(e['caught_by'] in told, '%s: told by %s' % (case['name'], told))
    for e in exhibits:
        h = halves[e['id']]
        c.check(len(h) == 2 * sum(h) and h, '%s: %s' % (e['id'], h))


def told(c, sim, exhibits):
    """list and show."""
    lines = museum(sim, 'list').stdout.splitlines()
    c.equal(lines, ['%s  %s; %s, caught by %s' %
                    (e['id'], e['title'], ', '.join(e['defects']), e['caught_by'])
                    for e in exhibits], 'list')
    for e in exhibits:
        with open(os.path.join(lib.ROOT, e['file'])) as f:
            text = f.read()
        r = museum(sim, 'show', e['id'])
        c.equal(r.returncode, 0, r.stderr)
        story = '\n'.join(line[2:] for line in
                          text.split('\nktls_sim:')[0].splitlines())
        c.check(r.stdout.startswith('%s %s\n\n%s\n' % (e['id'], e['title'], story)),
                r.stdout)
        for part in e['links'] + e['defects'] + [e['caught_by'], e['file']]:
            c.check(part in r.stdout, '%s: %s' % (e['id'], part))
        o = json.loads(museum(sim, 'show', '--json', e['id']).stdout)
        c.equal({k: o[k] for k in e}, e, 'show --json')
        c.equal(o['story'], story + '\n', 'story')
        # All of `expect`, and nothing of what comes behind it.
        c.equal([line for line in text.split('\nexpect:\n')[1].split('\nuntil:')[0]
                 .split('\n') if line], o['expect'].splitlines(), 'expect')
    c.equal(museum(sim, 'show', '5').stdout, museum(sim, 'show', 'M05').stdout, '5')
    c.equal(museum(sim, 'show', 'm05').stdout, museum(sim, 'show', 'M05').stdout, 'm05')


def copy(folder, name, old='', new=''):
    path = glob.glob(os.path.join(FOLDER, name + '-*'))[0]
    with open(path) as f:
        text = f.read()
    out = os.path.join(folder, os.path.basename(path))
    with open(out, 'w') as f:
        f.write(text.replace(old, new))


def runs(c, sim, d):
    m5 = os.path.join(d, 'good')
    os.mkdir(m5)
    copy(m5, '05')
    copy(m5, '18')
    r = museum(sim, 'run', '--dir', 'good', cwd=d)
    c.equal(r.returncode, 0, r.stderr)
    c.equal(re.sub(r': server: .*', '', r.stdout.split('M18')[0]),
            'M05 mbufs leak when a send tag does not match\n'
            '  as it is  passed\n'
            '            ktls-sim run --seed 1 good/05-eagain-leak.ktls.yaml\n'
            '  planted   caught by invariant 6\n'
            '            ktls-sim run --seed 1 --defect net.eagain-leak '
            'good/05-eagain-leak.ktls.yaml\n', 'run')
    c.check('caught by invariant 3 in 3 cells: frame ' in r.stdout, r.stdout)
    c.equal(r.stdout.splitlines()[-1], '8 passed, 0 failed, 0 skipped', 'totals')
    # One of them, and the command that it tells.
    r = museum(sim, 'run', '--json', '--dir', 'good', 'm05', cwd=d)
    o = json.loads(r.stdout)
    c.equal([(e['id'], e['caught_by'], e['plain']['verdict'], e['planted']['verdict'],
              e['planted']['cases']) for e in o],
            [('M05', 'invariant 6', 'passed', 'passed', 1)], 'run --json')
    again = lib.run(sim, o[0]['planted']['again'].split()[1:], cwd=d)
    c.equal(again.returncode, 4, 'again')
    c.check(o[0]['planted']['said'] in again.stdout, 'said')
    # Defects that are not caught by whom it says, or by nobody; a bug that is
    # there without being planted.
    for name, old, new, text in (
            ('caught', 'caught_by: invariant 6', 'caught_by: invariant 2',
             'planted   failed in 1 of 1: the planted defect net.eagain-leak was caught '
             'by invariant 6, not by invariant 2'),
            ('nobody', '{at: 5ms, do: link_down', '{at: 50s, do: link_down',
             'as it is  failed in 1 of 1: drops'),
            ('plain', 'bytes: 8MiB', 'bytes: 7MiB', 'as it is  failed in 1 of 1: get receives')):
        os.mkdir(os.path.join(d, name))
        copy(os.path.join(d, name), '05', old, new)
        r = museum(sim, 'run', '--dir', name, cwd=d)
        c.equal(r.returncode, 1, name)
        c.check(text in r.stdout, name + ': ' + r.stdout)


def not_run(c, sim, d):
    """A mistake that only one cell has; an exhibit that is live."""
    os.mkdir(os.path.join(d, 'cell'))
    copy(os.path.join(d, 'cell'), '22', '2875B, ', '2875X, ')
    os.mkdir(os.path.join(d, 'live'))
    with open(os.path.join(d, 'live', '99-live.ktls.yaml'), 'w') as f:
        f.write(LIVE)
    for name, code, as_it_is in (('cell', 2, 'error in 1 of 1: '),
                                 ('live', 0, 'skipped: a link ends at a device')):
        r = museum(sim, 'run', '--dir', name, cwd=d)
        c.equal(r.returncode, code, name + ': ' + r.stderr)
        c.check('  as it is  ' + as_it_is in r.stdout and
                '  planted   not run\n' in r.stdout, r.stdout)
        r = museum(sim, 'run', '--json', '--dir', name, cwd=d)
        o = json.loads(r.stdout)
        c.equal([o[0]['planted']['cases'], o[0]['planted']['verdict'],
                 o[0]['plain']['cases']], [0, 'skipped', 1], name)
    bad = os.path.join(os.fsencode(d), b'\xff')
    os.mkdir(bad)
    shutil.copy(os.path.join(d, 'good', '05-eagain-leak.ktls.yaml'), os.fsdecode(bad))
    r = museum(sim, 'run', '--json', '--dir', os.fsdecode(b'\xff'), cwd=d)
    c.equal([e['file'] for e in json.loads(r.stdout)], [None], 'no UTF-8')


def errors(c, sim, d):
    os.mkdir(os.path.join(d, 'empty'))
    os.mkdir(os.path.join(d, 'wrong'))
    os.mkdir(os.path.join(d, 'twice'))
    copy(os.path.join(d, 'twice'), '05', 'M05', 'M05')
    shutil.copy(glob.glob(os.path.join(d, 'twice', '05-*'))[0], os.path.join(d, 'twice', '99-again.ktls.yaml'))
    copy(os.path.join(d, 'wrong'), '05', 'defects: net.eagain-leak', 'defects: net.eagain-leek')
    for args, code, text in (
            ([], 2, 'say what to do: list, show ID, or run [ID ...]'),
            (['look'], 2, '`look` is none of list, show and run'),
            (['list', 'M05'], 2, 'list takes no exhibits'),
            (['show'], 2, 'show wants one exhibit, such as M05'),
            (['show', 'M05', 'M06'], 2, 'show wants one exhibit'),
            (['list', '--dir', 'nowhere'], 3, 'nowhere: No such file'),
            (['list', '--dir', 'empty'], 3, 'empty: none of its scenarios'),
            (['run', '--dir', 'wrong'], 2, 'did you mean `net.eagain-leak`?'),
            (['list', '--dir', 'twice'], 2, 'error: exhibit M05 is in twice/05-'),
            (['list', '--loud'], 2, '--loud')):
        r = museum(sim, *args, cwd=d)
        c.equal(r.returncode, code, ' '.join(args) + ': ' + r.stderr)
        c.check(text in r.stderr and r.stdout == '', '%s: %s' % (args, r.stderr))
    # Neither here nor installed, or installed.
    r = museum(sim, 'list', cwd=d)
    c.check(r.returncode == 0 and r.stdout.startswith('M01 ') or r.returncode == 3 and
            '/share/ktls-sim/museum: --dir DIR names one' in r.stderr, r.stderr)
    for word in ('M99', '0', 'MM05', ''):
        for what in ('show', 'run'):
            r = museum(sim, what, word)
            c.equal(r.returncode, 2, '%s %s' % (what, word))
            c.check('there is no exhibit `%s` in scenarios/museum; `ktls-sim museum '
                    'list` shows them' % word in r.stderr, r.stderr)


def page(c, exhibits):
    """docs/museum.md has the exhibits, and says why some are none."""
    rows = ['| | the bug | planted defect | caught by | read |', '|---|---|---|---|---|']
    for e in exhibits:
        rows.append('| [%s](../%s) | %s | %s | %s | %s |' % (
            e['id'], e['file'], e['title'], ', '.join('`%s`' % d for d in e['defects']),
            e['caught_by'], ', '.join('[%d](%s)' % (n + 1, u)
                                      for n, u in enumerate(e['links']))))
    with open(PAGE) as f:
        text = f.read()
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    wanted = head + BEGIN + '\n'.join(rows) + '\n' + END + tail
    if os.environ.get('KTLS_BLESS') == '1':
        with open(PAGE, 'w') as f:
            f.write(wanted)
        text = wanted
    c.equal(text, wanted, 'docs/museum.md (KTLS_BLESS=1 rewrites it)')
    for e in MISSING:
        c.check('**%s**' % e in tail, e)


def determinism(c, sim, d):
    """Planted or not, and whoever does the arithmetic."""
    for name in ('06', '18', '23'):
        path = glob.glob(os.path.join(FOLDER, name + '-*'))[0]
        with open(path) as f:
            defect = re.search(r'^  defects: (.*)', f.read(), re.M).group(1)
        for options in ([], ['--defect', defect]):
            seen = []
            for threads in ('0', '3'):
                out = os.path.join(d, 'same')
                lib.run_out(sim, path, out, '--threads', threads, *options)
                seen.append(lib.digest(out))
                shutil.rmtree(out)
            c.check(seen[0] and seen[0] == seen[1], '%s %s' % (name, options))


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    exhibits = json.loads(museum(sim, 'list', '--json').stdout)
    files(c, sim, exhibits)
    told(c, sim, exhibits)
    page(c, exhibits)
    with lib.tmpdir() as d:
        suite(c, sim, exhibits, os.path.join(d, 'suite'))
        runs(c, sim, d)
        not_run(c, sim, d)
        errors(c, sim, d)
        determinism(c, sim, d)
    c.done()


main()
