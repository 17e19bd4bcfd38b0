#!/usr/bin/env python3
"""`ktls-sim dump` against tshark: the same frames, connections, sequence
numbers, flags; the same TLS record lengths in each direction. The beginning of
quickstart's dump is a golden (KTLS_BLESS=1 rewrites it: read the diff). What
is no capture, or a damaged one, is told with exit code 3."""
import os
import re
import shutil
import subprocess
import sys

import lib

LINE = re.compile(r'^(\d+) [\d.]+ f(\d+) (?:\S+ )?(\S+) > (\S+) ([A-Z.]+) '
                  r'(\d+):(\d+)\((\d+)\)(?: ack (\d+))? win (\d+)( raw)?')
RECORD = re.compile(r'^f(\d+) (\S+) > (\S+) #(\d+) (\w+) seq (\d+) len 5\+(\d+)'
                    r' frames (\d+)\.\.(\d+) in (\d+)')
FLAGS = {'F': 1, 'S': 2, 'R': 4, 'P': 8, '.': 16, 'U': 32, 'E': 64, 'W': 128}
GOLDEN_LINES = 30


def tshark(path, *fields):
    """Rows of the wanted fields, one for each TCP frame."""
    with lib.tmpdir() as d:
        args = ['tshark', '-n', '-r', path, '-Y', 'tcp', '-T', 'fields']
        for f in fields:
            args += ['-e', f]
        env = {'HOME': d, 'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'}
        r = subprocess.run(args, capture_output=True, text=True, env=env,
                           check=True)
    return [line.split('\t') for line in r.stdout.splitlines()]


def ours(c, sim, path, *options):
    r = lib.run(sim, ['dump', *options, path])
    c.equal(r.returncode, 0, 'dump %s: %s' % (options, r.stderr))
    return r.stdout.splitlines()


def port(end):
    return end.rsplit(':', 1)[1]


def same_frames(c, name, lines, rows):
    """frame, stream, sequence number, length, flags, ack, window."""
    found = {}
    for line in lines:
        m = LINE.match(line)
        if m:
            flags = sum(FLAGS[x] for x in m.group(5))
            found[int(m.group(1))] = (
                int(m.group(2)), int(m.group(6)), int(m.group(8)), flags,
                int(m.group(9) or 0), int(m.group(10)), port(m.group(3)))
    wanted = {int(r[0]): (int(r[1]), int(r[2]), int(r[3]),
                          int(r[4], 16) & 0xff, int(r[5] or 0), int(r[6]),
                          r[7])
              for r in rows}
    c.equal(len(found), len(wanted), name + ': TCP frames')
    bad = [(n, found.get(n), wanted[n]) for n in wanted
           if found.get(n) != wanted[n]]
    c.check(not bad, '%s: %d frames differ from tshark, first %r' %
            (name, len(bad), bad[:1]))


def same_records(c, name, lines, rows):
    """The lengths of each direction's records, in order. A record that is
    sent again in a segment of its own is told twice by tshark."""
    wanted, found = {}, {}
    for r in rows:
        if r[8] and not r[9]:
            wanted.setdefault((int(r[1]), r[7]), []).extend(r[8].split(','))
    for line in lines:
        m = RECORD.match(line)
        c.check(m is not None, name + ': record line ' + line)
        if m:
            found.setdefault((int(m.group(1)), port(m.group(2))),
                             []).append(m.group(7))
    c.equal(sorted(found), sorted(wanted), name + ': directions with records')
    bad = [k for k in wanted if found.get(k) != wanted[k]]
    c.check(not bad, '%s: records differ from tshark in %r: %d and %d' %
            (name, bad[:1], len(found.get(bad[0], [])) if bad else 0,
             len(wanted[bad[0]]) if bad else 0))


def whole_streams(c, name, lines):
    """Every payload byte of a line lies in the records that it names, and the
    ranges add up to its length: also those of retransmissions."""
    again = 0
    for line in lines:
        m = LINE.match(line)
        if not m or m.group(8) == '0':
            continue
        ranges = re.findall(r'#\d+ \w+( 5\+\d+)?: (\d+)\.\.(\d+)', line)
        c.check(sum(int(b) - int(a) + 1 for _, a, b in ranges) ==
                int(m.group(8)), '%s: ranges of %s' % (name, line))
        k = re.search(r'record \d+(?: \+(\d+))?, ktls', line)
        if k and ranges:
            c.check(int(k.group(1) or 0) == int(ranges[0][1]),
                    '%s: not where the sender has it: %s' % (name, line))
        again += 'rexmit of' in line and bool(ranges)
    return again


def judge(c, sim, name, out):
    path = os.path.join(out, 'wire.pcapng')
    lines = ours(c, sim, path)
    again = whole_streams(c, name, lines)
    if name == 'many-lossy':
        c.check(again > 100, 'only %d retransmissions in %s' % (again, name))
    records = ours(c, sim, path, '--records')
    if shutil.which('tshark'):
        rows = tshark(path, 'frame.number', 'tcp.stream', 'tcp.seq', 'tcp.len',
                      'tcp.flags', 'tcp.ack', 'tcp.window_size',
                      'tcp.srcport', 'tls.record.length',
                      'tcp.analysis.retransmission')
        same_frames(c, name, lines, rows)
        same_records(c, name, records, rows)
    # Classic pcap has neither names nor comments; the rest is the same.
    bare = [re.sub(r'( f\d+)? \w+:\w+ ', r'\1 ', line, count=1)
            for line in (l.split(' ; ')[0] for l in lines)]
    c.check(ours(c, sim, os.path.join(out, 'wire.pcap')) == bare,
            name + ': wire.pcap')
    return lines, records


def options(c, sim, path, lines, records):
    some = ours(c, sim, path, '--flow', '3')
    c.check(some and some == [l for l in lines if ' f3 ' in l], '--flow')
    c.equal(ours(c, sim, path, '--count', '5'), lines[:5], '--count')
    c.equal(ours(c, sim, path, '--records', '--flow', '3'),
            [l for l in records if l.startswith('f3 ')], '--records --flow')
    c.equal(ours(c, sim, path, '--flow', '1000000'), [], 'no such flow')
    rel, raw = (LINE.match(l) for l in
                (some[3], ours(c, sim, path, '--flow', '3', '--absolute')[3]))
    syn = LINE.match(ours(c, sim, path, '--flow', '3', '--absolute')[0])
    c.equal(int(raw.group(6)) - int(rel.group(6)), int(syn.group(6)),
            '--absolute')
    with open(path, 'rb') as f:
        r = subprocess.run([os.path.abspath(sim), 'dump', '--count', '4', '-'],
                           stdin=f, capture_output=True, text=True)
    c.equal(len(r.stdout.splitlines()), 4, 'standard input')


def golden(c, sim, d):
    """With the synthetic handshake: libssl's differs by version."""
    out = os.path.join(d, 'golden')
    r, _ = lib.run_out(sim, lib.scenario('quickstart'), out,
                       '--set', 'apps.web.tls.handshake=synthetic',
                       '--set', 'apps.get.tls.handshake=synthetic')
    c.equal(r.returncode, 0, 'golden: ' + r.stderr)
    lines = ours(c, sim, os.path.join(out, 'wire.pcapng'), '--count',
                 str(GOLDEN_LINES))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        'dump-quickstart.expect')
    text = '\n'.join(lines) + '\n'
    if os.environ.get('KTLS_BLESS') == '1':
        with open(path, 'w') as f:
            f.write(text)
    with open(path) as f:
        c.equal(text, f.read(), 'dump of quickstart')


def damaged(c, sim, out, d):
    with open(os.path.join(out, 'wire.pcapng'), 'rb') as f:
        data = f.read(200000)
    cut = os.path.join(d, 'cut.pcapng')
    with open(cut, 'wb') as f:
        f.write(data[:len(data) - 777])
    r = lib.run(sim, ['dump', cut])
    c.equal(r.returncode, 3, 'cut off: ' + r.stderr)
    c.check(len(r.stdout.splitlines()) > 50 and cut in r.stderr and
            'damaged behind frame' in r.stderr, 'cut off: ' + r.stderr)
    for at in range(0, 20000, 37):      # any byte may be anything
        bad = bytearray(data[:20000])
        bad[at] ^= 0xff
        with open(cut, 'wb') as f:
            f.write(bad)
        r = lib.run(sim, ['dump', cut])
        if r.returncode not in (0, 3):
            c.check(False, 'byte %d changed: %d %s' % (at, r.returncode,
                                                       r.stderr))
    text = os.path.join(d, 'text')
    with open(text, 'w') as f:
        f.write('this is no capture\n' * 10)
    raw = os.path.join(d, 'raw.pcap')
    with open(raw, 'wb') as f:
        f.write(bytes.fromhex('d4c3b2a1020004000000000000000000ffff000065000000'))
    for args, code, want in [
            ([], 2, 'name exactly one capture file'),
            (['--flow', 'x', cut], 2, '--flow wants the number'),
            (['--count', '0', cut], 2, '--count wants a whole number from 1'),
            ([os.path.join(d, 'absent')], 3, 'No such file or directory'),
            ([d], 3, 'is a folder'),
            ([text], 3, 'not a capture'),
            ([raw], 3, 'only Ethernet is read')]:
        r = lib.run(sim, ['dump'] + args)
        c.equal(r.returncode, code, 'dump %s: %s' % (args, r.stderr))
        c.check(want in r.stderr and not r.stdout, 'dump %s: %s' % (args,
                                                                    r.stderr))


def pipe_closed(c, sim, path):
    """Somebody who has seen enough is no error."""
    p = subprocess.Popen([os.path.abspath(sim), 'dump', path],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.read(100)
    p.stdout.close()
    err = p.stderr.read()
    c.equal((p.wait(), err), (0, b''), 'closed pipe')
    for more in ([], ['--count', '2']):     # one written at once, one at exit
        with open('/dev/full', 'w') as full:
            r = subprocess.run([os.path.abspath(sim), 'dump', *more, path],
                               stdout=full, stderr=subprocess.PIPE, text=True)
        c.equal(r.returncode, 3, 'disk full: ' + r.stderr)
        c.check('standard output: No space left on device' in r.stderr,
                'disk full: ' + r.stderr)


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        for name in ('quickstart', 'many-lossy'):
            out = os.path.join(d, name)
            r, _ = lib.run_out(sys.argv[1], lib.scenario(name), out, '--pcap')
            c.equal(r.returncode, 0, name + ': ' + r.stderr)
            lines, records = judge(c, sys.argv[1], name, out)
        golden(c, sys.argv[1], d)
        path = os.path.join(out, 'wire.pcapng')
        options(c, sys.argv[1], path, lines, records)
        pipe_closed(c, sys.argv[1], path)
        damaged(c, sys.argv[1], out, d)
    c.done()


main()
