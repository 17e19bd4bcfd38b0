#!/usr/bin/env python3
"""report.html: well-formed and clean to xmllint and tidy, self-contained,
without scripts, readable in order; it says what report.json says; names of any
letters stand in it; looking does not change the run; Chromium renders it
without a complaint; and it is there when a run breaks off."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import lib

X = '{http://www.w3.org/1999/xhtml}'
SVG = '{http://www.w3.org/2000/svg}'
LIMIT = 1000000  # bytes
NASTY = '<&"\'> ' + 'W' * 300
# tidy does not know that a picture's title may have a name to be called by.
TIDY_WRONG = re.compile(r'<title> proprietary attribute "id"')


def text_of(e):
    return ''.join(e.itertext())


def tables(root):
    """{caption: (heads, rows of texts)}"""
    out = {}
    for t in root.iter(X + 'table'):
        heads = [text_of(h) for h in t.find(X + 'thead').iter(X + 'th')]
        rows = [[text_of(cell) for cell in row] for row in t.find(X + 'tbody')]
        out[text_of(t.find(X + 'caption'))] = (heads, rows)
    return out


def table(root, begin):
    found = [t for caption, t in tables(root).items() if caption.startswith(begin)]
    return found[0] if found else ([], [])


# --- form ---

def tools(c, name, path):
    for tool, args in (('xmllint', ['--noout', '--nonet']), ('tidy', ['-q', '-e'])):
        if shutil.which(tool) is None:
            print('%s is not installed: not asked' % tool)
            continue
        r = subprocess.run([tool, *args, path], capture_output=True, text=True)
        said = [line for line in (r.stdout + r.stderr).splitlines()
                if not TIDY_WRONG.search(line)]
        c.equal(said, [], '%s: %s' % (name, tool))


def form(c, name, path):
    with open(path, encoding='utf-8') as f:
        text = f.read()
    c.check(len(text) < LIMIT, '%s: %d bytes' % (name, len(text)))
    root = ET.fromstring(text)
    c.equal(root.get('lang'), 'en', name)
    for e in root.iter():
        c.check(not e.tag.endswith('script'), name + ': a script')
        for attr, value in e.attrib.items():
            c.check(not attr.startswith('on'), '%s: %s' % (name, attr))
            if attr in ('href', 'src') or attr.endswith('}href'):
                c.check(value.startswith('#'), '%s: refers to %s' % (name, value))
    c.check('url(http' not in text and '@import' not in text, name + ': loads something')
    c.check('prefers-color-scheme:dark' in text and '@media print' in text, name)
    ids = [e.get('id') for e in root.iter() if e.get('id')]
    c.equal(len(ids), len(set(ids)), name + ': names that are there twice')
    for e in root.iter(X + 'a'):
        c.check(e.get('href')[1:] in ids, '%s: %s leads nowhere' % (name, e.get('href')))
    readable(c, name, root, ids)
    return root


def readable(c, name, root, ids):
    """For who hears it: headings in order, heads of rows and columns, words for
    pictures."""
    levels = [int(e.tag[-1]) for e in root.iter() if re.fullmatch(re.escape(X) + 'h[1-6]', e.tag)]
    c.check(levels[0] == 1 and levels.count(1) == 1, '%s: headings %s' % (name, levels))
    for a, b in zip(levels, levels[1:]):
        c.check(b <= a + 1, '%s: a heading %d below %d' % (name, b, a))
    first = next(e for e in root.iter(X + 'a'))
    c.equal((first.get('class'), first.get('href')), ('skip', '#main'), name)
    for th in root.iter(X + 'th'):
        c.check(th.get('scope') in ('row', 'col'), '%s: th %s' % (name, text_of(th)))
    for t in root.iter(X + 'table'):
        for row in t.find(X + 'tbody'):
            c.check(row[0].tag == X + 'th', name + ': a row without a head')
    for svg in root.iter(SVG + 'svg'):
        if svg.get('aria-hidden') == 'true':
            continue
        c.equal(svg.get('role'), 'img', name)
        words = svg.get('aria-labelledby').split()
        c.check(len(words) == 2 and set(words) <= set(ids), '%s: %s' % (name, words))
        c.check(len(svg.find(SVG + 'desc').text) > 20, name + ': a picture without words')


# --- contents ---

def contents(c, name, root, report):
    heads, rows = table(root, 'What the scenario expects')
    want = sorted((('met' if e['met'] else 'FAILED'),
                   (e['name'] + ': ' if 'name' in e else '') + e['claim'], e['found'],
                   '%s:%d' % (e['file'], e['line']) if 'file' in e else 'line %d' % e['line'])
                  for e in report['expectations'])
    c.equal(sorted(tuple(r[:4]) for r in rows), want, name + ': expectations')
    heads, rows = table(root, 'What is checked')
    c.equal([(int(r[0]), r[2], int(r[3])) for r in rows],
            [(i['number'], i['name'], i['looked']) for i in report['invariants']], name)
    heads, rows = table(root, 'sysctl counters')
    c.equal({(r[1], r[0]): int(r[4]) for r in rows},
            {(h, n): v for h, of in report['counters'].items() for n, v in of.items()},
            name + ': counters')
    for r in rows:
        c.equal(int(r[3]) - int(r[2]), int(r[4]), '%s: %s' % (name, r[0]))
    drops = [f for f in report['facts'] if f['point'].endswith('_drop') and
             f['point'] != 'tcp_drop']
    heads, rows = table(root, 'Packets that did not arrive')
    c.equal(sorted((int(r[4]), int(r[5])) for r in rows),
            sorted((f['count'], f['bytes']) for f in drops), name + ': drops')
    heads, rows = table(root, 'Decisions')
    modes = [f for f in report['facts'] if f['point'] == 'tls_mode']
    for f in modes:
        c.check(any(r[0] == f['at'] and r[1:3] == f['texts'][:2] and r[4] == f['texts'][2]
                    and int(r[3]) == f['count'] for r in rows), '%s: mode %s' % (name, f))
    heads, rows = table(root, 'All connections')
    c.equal([r[0] for r in rows], [x['name'] for x in report['connections'][:200]], name)
    for r, x in zip(rows, report['connections']):
        s = x['server_side']
        c.equal([int(n) for n in (r[5], r[9], r[10])],
                [x.get('body_bytes'), s['retransmitted_packets'] +
                 s['card_retransmitted_packets'], s['timeouts']], name + ': ' + r[0])
    heads, rows = table(root, 'Bytes over the bus')
    c.equal([[int(n) for n in r[2:7]] for r in rows],
            [[k['bus_bytes'][b] for b in ('payload', 'reread', 'descriptors', 'completions',
                                          'received')] for k in report.get('cards', [])],
            name + ': buses')


def pictures(c, name, root, report):
    """As many as there should be; their words agree with the report."""
    seq = [s for s in root.iter(SVG + 'svg')
           if (s.get('aria-labelledby') or '').startswith('seq-')]
    c.equal(len(seq), min(8, len(report['connections'])), name + ': sequences')
    for s in seq:
        who = s.find(SVG + 'title').text.split(':')[0]
        x = [x for x in report['connections'] if x['name'] == who][0]
        said = re.search(r'the (\w+) sent over time: (\d+) bytes.* (\d+) frames with bytes sent '
                         r'before, (\d+) frames lost', s.find(SVG + 'desc').text)
        side = x[said.group(1) + '_side']
        if 'ollowed only from' in s.find(SVG + 'desc').text:
            continue
        # SYN and FIN have a number each.
        c.check(side['bytes'] <= int(said.group(2)) <= side['bytes'] + 2,
                '%s: %s has %d bytes of %s' % (name, who, side['bytes'], said.group(2)))
        c.equal(int(said.group(3)) > 0, side['retransmitted_packets'] +
                side['card_retransmitted_packets'] > 0, '%s: %s' % (name, said.group(0)))
        told = x['story'][said.group(1)]
        if any(drop['place'] == 'wire' for drop in told['drops']):
            c.check(int(said.group(4)) > 0, '%s: %s' % (name, said.group(0)))


def events(c, name, root, report, out):
    """Frames that were dropped on a wire are those that the capture marks."""
    heads, rows = table(root, 'Steps, links')
    c.check(len(rows) > 0, name + ': no events')
    for i, r in enumerate(rows):
        c.equal(int(r[0]), i + 1, name)
        m = re.fullmatch(r'frame\.number (?:== (\d+)|in \{(\d+)\.\.(\d+)\})', r[7])
        c.check(m is not None or r[7] == '', '%s: %s' % (name, r))
    kinds = {r[2] for r in rows}
    have = {f['point'] for f in report['facts']}
    for kind, point in (('step', 'timeline'), ('link', 'if_link'), ('TLS mode', 'tls_mode'),
                        ('send tag', 'tag_reset'), ('drop', 'wire_drop')):
        c.check(point not in have or kind in kinds, '%s: no event of kind %s' % (name, kind))
    lost = [r for r in rows if r[2] == 'drop' and r[3] == '' and r[6].startswith('frame ')]
    said = lib.tshark(os.path.join(out, 'wire.pcapng'), '-T', 'fields', '-e', 'frame.number',
                      '-Y', 'frame.comment contains "dropped"')
    if said is not None:
        marked = set(said.split())
        for r in lost:
            c.check(r[6].split()[1] in marked, '%s: %s' % (name, r))


# --- runs ---

def rich(c, sim, d):
    for name in ('failover', 'lagg-failover-cx6dx', 'many-lossy', 'mode-switch', 't6-rexmit'):
        out = os.path.join(d, name)
        r, report = lib.run_out(sim, lib.scenario(name), out, '--threads', '1')
        c.equal(r.returncode, 0, name + r.stderr)
        path = os.path.join(out, 'report.html')
        tools(c, name, path)
        root = form(c, name, path)
        contents(c, name, root, report)
        pictures(c, name, root, report)
        events(c, name, root, report, out)


def on_and_off(c, sim, d):
    """Without it the run is the same, byte for byte."""
    for name in ('many-lossy', 'failover'):
        got = {}
        for html in ('true', 'false'):
            out = os.path.join(d, name + html)
            r, _ = lib.run_out(sim, lib.scenario(name), out, '--trace', '--set',
                               'capture.html=' + html)
            c.equal(r.returncode, 0, r.stderr)
            got[html] = lib.digest(out)
        for f in ('wire.pcapng', 'report.json', 'report.txt', 'trace.ndjson'):
            c.equal(got['true'][f], got['false'][f], '%s: %s' % (name, f))
        c.check('report.html' in got['true'] and 'report.html' not in got['false'], name)
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'n'), lib.scenario('failover')])
    c.check('n/report.html: ' in r.stdout, 'it is not named: ' + r.stdout)


def threads(c, sim, d):
    got = []
    for n in (0, 1, 2):
        out = os.path.join(d, 'threads%d' % n)
        lib.run_out(sim, lib.scenario('mode-switch'), out, '--threads', str(n))
        got.append(lib.digest(out)['report.html'])
    c.equal(len(set(got)), 1, 'threads: %s' % got)


def nasty(c, sim, d):
    """Names and descriptions may hold anything."""
    text = NASTY.replace("'", "''")
    file = lib.edited('quickstart', d, ('description: GET of an 8 MiB file over TLS 1.3, header '
                                        'by write, body by sendfile, software KTLS',
                                        "description: '%s'" % text),
                      ('    path: /data.bin\n', "    path: '/<b>&%s'\n" % ('x' * 200)),
                      ('      /data.bin: {', "      '/<b>&%s': {" % ('x' * 200)))
    out = os.path.join(d, 'nasty')
    # A failing one, with its command.
    r, report = lib.run_out(sim, file, out, '--set', 'expect[0].delivered.bytes=1B', '--seed', '7')
    c.equal(r.returncode, 1, r.stderr)
    path = os.path.join(out, 'report.html')
    tools(c, 'nasty', path)
    root = form(c, 'nasty', path)
    contents(c, 'nasty', root, report)
    c.check(NASTY in text_of(root.find('.//' + X + 'header')), 'nasty: description')
    c.check('An expectation FAILED' in text_of(root), 'nasty: verdict')
    commands = [text_of(p) for p in root.iter(X + 'pre')]
    c.equal(commands[0], 'ktls-sim run --seed 7 scenario.yaml', 'nasty: command')
    c.check(d not in text_of(root), 'a path of this machine')
    # The command of the page, in its folder, does what it did.
    again = lib.run(sim, ['run', '-q', '--out', os.path.join(d, 'again'),
                          *commands[0].split()[2:]], cwd=out)
    c.equal(again.returncode, 1, again.stderr)
    c.equal(lib.digest(out)['wire.pcapng'], lib.digest(os.path.join(d, 'again'))['wire.pcapng'],
            'again')


def broken_off(c, sim, d):
    out = os.path.join(d, 'wreck')
    r, report = lib.run_out(sim, lib.scenario('quickstart'), out, '--defect', 'kern.sbready-early')
    c.equal(r.returncode, 4, r.stderr)
    root = form(c, 'wreck', os.path.join(out, 'report.html'))
    c.check('BROKE' in text_of(root) or 'PANICKED' in text_of(root), 'wreck: verdict')
    c.check('kern.sbready-early' in text_of(root), 'wreck: defect')
    # Nobody comes.
    with open(lib.scenario('quickstart')) as f:
        text = f.read()
    text = text[:text.index('\n  get:')] + '\nuntil: 1ms\n'
    file = os.path.join(d, 'empty.ktls.yaml')
    with open(file, 'w') as f:
        f.write(text)
    out = os.path.join(d, 'empty')
    r, report = lib.run_out(sim, file, out)
    c.equal((r.returncode, report['connections']), (0, []), r.stderr)
    root = form(c, 'empty', os.path.join(out, 'report.html'))
    c.check('The scenario expects nothing' in text_of(root), 'empty')


def interrupted(c, sim, d):
    with open(lib.scenario('quickstart')) as f:
        text = f.read().replace('rate: 100Gbit/s', 'rate: 100Mbit/s').replace('8MiB', '800MiB')
    file = os.path.join(d, 'long.ktls.yaml')
    with open(file, 'w') as f:
        f.write(text)
    out = os.path.join(d, 'interrupted')
    p = subprocess.Popen([os.path.abspath(sim), 'run', '-q', '--set', 'until=600s', '--out', out,
                          file], stderr=subprocess.PIPE, text=True)
    wire = os.path.join(out, 'wire.pcapng')
    while not os.path.exists(wire) or os.path.getsize(wire) < 1000000:
        if p.poll() is not None:
            break
        time.sleep(0.05)
    p.send_signal(signal.SIGINT)
    _, err = p.communicate(timeout=60)
    c.equal(p.returncode, 130, 'interrupted: ' + err)
    root = form(c, 'interrupted', os.path.join(out, 'report.html'))
    c.check('INTERRUPTED' in text_of(root), 'interrupted: verdict')


def chromium(c, d):
    """It renders, and its console has nothing to say."""
    exe = shutil.which('chromium') or shutil.which('chromium-browser')
    if exe is None:
        print('chromium is not installed: nothing is rendered')
        return
    picture = os.path.join(d, 'shot.png')
    r = subprocess.run([exe, '--headless', '--no-sandbox', '--disable-gpu', '--enable-logging=stderr',
                        '--user-data-dir=' + os.path.join(d, 'chromium'), '--window-size=360,2000',
                        '--screenshot=' + picture,
                        'file://' + os.path.join(d, 'failover', 'report.html')],
                       capture_output=True, text=True, timeout=120)
    said = [line for line in r.stderr.splitlines() if 'CONSOLE' in line]
    c.equal(said, [], 'chromium')
    c.check(os.path.exists(picture) and os.path.getsize(picture) > 10000,
            'chromium draws nothing: ' + r.stderr[-2000:])


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    with lib.tmpdir() as d:
        rich(c, sim, d)
        on_and_off(c, sim, d)
        threads(c, sim, d)
        nasty(c, sim, d)
        broken_off(c, sim, d)
        interrupted(c, sim, d)
        chromium(c, d)
    c.done()


main()
