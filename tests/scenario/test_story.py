#!/usr/bin/env python3
"""The stories of connections (docs/report.md): their sums are what the cards
and the trace counted, the gap is the one that the wire shows, and the picture
has what it must have."""
import collections
import json
import os
import re
import xml.etree.ElementTree as ET

import sys

import lib

# In pacing a port's tags are not all for TLS, as the card's counter has them.
SUMS = ('failover', 'lagg-failover-cx6dx', 'lagg-failover-t6', 'vlan-lagg',
        'loadbalance', 'lacp', 'pacing', 'cx6dx-rexmit', 't6-rexmit')
COUNTERS = {'dma_reread': 'reread_bytes', 'tls_restarts': 'recoveries',
            'tls_tags_taken': 'tags_taken', 'tls_tags_released': 'tags_released'}
PLACES = {'wire_drop': 'wire', 'nic_drop': 'card', 'lagg_drop': 'kernel',
          'vlan_drop': 'kernel', 'ip_drop': 'kernel'}
SVG = '{http://www.w3.org/2000/svg}'


def sides(report, which=('client', 'server')):
    for conn in report['connections']:
        for side in which:
            if conn['story'][side] is not None:
                yield side, conn['story'][side]


def sums_of_cards(c, name, report):
    """The scenarios' servers are the host `server`."""
    found = collections.Counter()
    for side, s in sides(report):
        for ifp, i in s['interfaces'].items():
            for field, n in i.items():
                found[side, ifp, field] += n
            if report['name'] != 'pacing' and i['inner_tags_taken'] > 0:
                c.equal(i['inner_tags_taken'], i['tags_taken'],
                        '%s: %s: a queue in each TLS tag' % (name, ifp))
    looked = collections.Counter()
    for host, counters in report['counters'].items():
        for key, n in counters.items():
            m = re.match(r'dev\.(\w+)\.(\w+)$', key)
            if m is None or m[2] not in COUNTERS or \
                    name == 'pacing' and 'tags' in m[2]:
                continue
            c.equal(found[host, m[1], COUNTERS[m[2]]], n,
                    '%s: %s %s, all connections together' % (name, host, key))
            looked[m[2]] += n
    c.check(looked['dma_reread'] > 0, name + ': cards read nothing again')
    return looked


def sums_of_facts(c, name, report):
    drops, facts = collections.Counter(), collections.Counter()
    left = resets = failed = 0
    for side, s in sides(report):
        left += s['drops_left_out'] + s['modes_left_out'] + \
            s['interfaces_left_out']
        resets += s['resets']
        failed += s['resets_failed']
        for d in s['drops']:
            drops[d['place'], d['reason'], d['error']] += d['packets']
    for f in report['facts']:
        if f['point'] in PLACES:
            reason = f['texts'][-1]
            facts[PLACES[f['point']], reason, f['error']] += f['count']
    c.equal(left, 0, name + ': left out')
    server = report['counters']['server']
    c.equal(resets, server.get('kern.ipc.tls.ifnet.reset', 0) +
            server.get('kern.ipc.tls.ifnet.reset_failed', 0), name + ': resets')
    c.equal(failed, server.get('kern.ipc.tls.ifnet.reset_failed', 0),
            name + ': failed resets')
    if name in ('lacp', 'cx6dx-rexmit'):    # LACP's and ARP's are nobody's
        for key, n in drops.items():
            c.check(0 < n <= facts[key], '%s: %s: %d of %d' %
                    (name, key, n, facts[key]))
    else:
        c.equal(drops, facts, name + ': drops by reason')


def modes_and_resets(c, name, report, trace):
    """By the trace, connection by connection; who is who is not in it."""
    modes = collections.defaultdict(list)
    resets = collections.Counter()
    for line in trace:
        t = json.loads(line)
        if t['ps'] > report['end_ps'] or t['at'] != 'server':
            continue
        if t['point'] == 'tls_mode':
            modes[t['conn']].append((t['ps'], t['dir'], t['mode'], t['reason']))
        elif t['point'] == 'tag_reset':
            resets[t['conn']] += 1
    wanted = sorted((m, resets[conn]) for conn, m in modes.items())
    found = sorted(([(m['ps'], m['direction'], m['mode'], m['reason'])
                     for m in s['modes']], s['resets'])
                   for side, s in sides(report, ('server',)))
    c.equal(found, wanted, name + ': modes and resets')


def run_all(c, sim, d):
    for name in SUMS:
        out = os.path.join(d, name)
        r, report = lib.run_out(sim, lib.scenario(name), out, '--trace')
        c.equal(r.returncode, 0, name + ': ' + r.stderr)
        looked = sums_of_cards(c, name, report)
        if name == 'lagg-failover-t6':
            c.equal(looked['tls_tags_taken'], 200, name + ': tags')
        sums_of_facts(c, name, report)
        with open(os.path.join(out, 'trace.ndjson')) as f:
            modes_and_resets(c, name, report, f)
        picture(c, name, os.path.join(out, 'timeline.svg'), report)


def words(c, sim, d):
    with open(os.path.join(d, 'failover', 'report.txt')) as f:
        text = f.read()
    part = text.split('\nFailovers and changes of mode\n')[1].split('\n\n')[0]
    for want in ('get#0: gap seen by the receiver: 530.094 ms, from',
                 'server tx: ifnet since 94.03 us: the card took the session',
                 'server tags: mce0 1 taken, 1 released; lagg0 2 taken, ',
                 'server cards read again: mce1 11.312 KiB (1 record begun',
                 'server dropped (wire): 22 packets, 31.68 KiB, server.mce0 - '
                 'client.em0: link down',
                 'server dropped (kernel): 1 packet, 1.478 KiB, lagg0: send '
                 'tag is not of the active port (EAGAIN)'):
        c.check(want in part, 'report.txt has no "%s":\n%s' % (want, part))
    with open(os.path.join(d, 'lagg-failover-cx6dx', 'report.txt')) as f:
        text = f.read()
    for want in ('  all 100 of 100 connections: gaps from ',
                 '; 100 tags replaced, 0 not; ',
                 '  server mce0: 100 tags taken  [',
                 '  server mce0: 100 tags released  [',
                 '  server mce0: 100 tags released (queue, inside a TLS tag)'):
        c.check(want in text, 'report.txt has no "%s"' % want)


# Without TLS every segment in order is read as it comes.
PLAIN = ('    tls: {version: "1.3", suite: aes128-gcm, tx: kernel, rx: openssl}\n',
         '    tls: {version: "1.3", suite: aes128-gcm, tx: openssl, '
         'rx: openssl}\n')


def gap_of_wire(c, sim, d):
    """The client's longest gap, from the segments as tshark sees them."""
    out = os.path.join(d, 'plain')
    with open(lib.scenario('failover')) as f:
        text = f.read()
    for line in PLAIN:
        c.equal(text.count(line), 1, line)
        text = text.replace(line, '')
    # Claims on TLS are not met, of course.
    text = text.split('expect:')[0] + 'until: 10s\n'
    file = os.path.join(d, 'plain.ktls.yaml')
    with open(file, 'w') as f:
        f.write(text)
    r, report = lib.run_out(sim, file, out)
    c.equal(r.returncode, 0, r.stderr)
    lines = lib.tshark(os.path.join(out, 'wire.pcapng'), '-T', 'fields', '-e',
                       'frame.time_epoch', '-e', 'tcp.seq', '-e', 'tcp.len',
                       '-e', 'frame.comment', '-Y',
                       'tcp.srcport == 443 && tcp.len > 0')
    if lines is None:
        return
    have, last, gap, since = 1, None, 0, 0
    start = None
    for line in lines.splitlines():
        when, seq, length, comment = line.split('\t')
        sec, frac = when.split('.')
        ns = int(sec) * 10**9 + int(frac.ljust(9, '0'))
        start = start or int(sec) * 10**9
        # What was on its way when the link fell came to a port without one.
        if 'link down' in comment or int(seq) > have or \
                805000 - 20000 <= ns - start <= 805000:
            continue
        if int(seq) + int(length) <= have:
            continue
        have = int(seq) + int(length)
        if last is not None and ns - last > gap:
            gap, since = ns - last, last
        last = ns
    story = report['connections'][0]['story']['receiver']
    c.check(200e6 < gap < 600e6, 'gap on the wire: %d ns' % gap)
    # Segments wait a little for others of their interrupt.
    c.check(abs(story['gap_ps'] / 1000 - gap) < 200e3,
            'gap: %d ns on the wire, %d ps told' % (gap, story['gap_ps']))
    c.check(abs(story['gap_from_ps'] / 1000 - (since - start)) < 200e3,
            'gap from: %d ns, %d ps told' % (since - start,
                                             story['gap_from_ps']))


def picture(c, name, path, report):
    with open(path) as f:
        text = f.read()
    root = ET.fromstring(text)
    c.equal(root.tag, SVG + 'svg', name)
    c.check('<script' not in text and 'href' not in text and
            'prefers-color-scheme:dark' in text, name + ': self-contained')
    c.check(all(int(px) >= 11 for px in re.findall(r'font-size:(\d+)px', text)),
            name + ': small letters')
    c.equal(root.find(SVG + 'title').text,
            '%s: %s' % (report['name'], report['description']), name)
    texts = [t.text for t in root.iter(SVG + 'text')]
    for host in ('server', 'receivers', report['name']):
        c.check(host in texts, '%s: no %s in the picture' % (name, host))
    gap = max(x['story']['receiver']['gap_ps'] for x in report['connections'])
    who = [x['name'] for x in report['connections']
           if x['story']['receiver']['gap_ps'] == gap][0]
    c.equal([t for t in texts if t.startswith('longest gap ')],
            ['longest gap %s, %s' % (three_digits(gap), who)], name + ': gap')
    steps = ['%s: %s' % tuple(f['texts'][:2]) for f in report['facts']
             if f['point'] == 'timeline' and f['first_ps'] <= last_end(report)]
    for step in steps:
        c.check(step in texts, '%s: step "%s"' % (name, step))
    resets = sum(s['resets'] for side, s in sides(report))
    if resets > 0:
        c.check('%d reset%s' % (resets, 's' if resets > 1 else '') in texts,
                '%s: %d resets' % (name, resets))
    nothing_overlaps(c, name, root)


def last_end(report):
    return max(x['end_ps'] for x in report['connections'])


def three_digits(ps):
    for unit, one in (('s', 10**12), ('ms', 10**9), ('\u00b5s', 10**6)):
        if ps >= one:
            return '%s %s' % (float('%.3g' % (ps / one)) if float(
                '%.3g' % (ps / one)) % 1 else int(float('%.3g' % (ps / one))),
                unit)
    raise ValueError(ps)


def nothing_overlaps(c, name, root):
    """Texts, as boxes of letters 6 pixels wide; none leaves the picture."""
    boxes = []
    for t in root.iter(SVG + 'text'):
        if t.get('x') is None:      # a vertical one
            continue
        width = 6 * len(t.text)
        x, y = float(t.get('x')), float(t.get('y'))
        x -= {'start': 0, 'middle': width / 2, 'end': width}[
            t.get('text-anchor', 'start')]
        boxes.append((x, y - 9, x + width, y + 2, t.text))
        c.check(x >= 0 and x + width <= float(root.get('width')),
                '%s: "%s" leaves the picture' % (name, t.text))
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            c.check(a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or
                    b[3] <= a[1], '%s: "%s" lies on "%s"' % (name, a[4], b[4]))


def on_and_off(c, sim, d):
    out = os.path.join(d, 'off')
    file = lib.scenario('failover')
    r = lib.run(sim, ['run', '--out', out, file])
    c.check('%s/timeline.svg: ' % out in r.stdout, 'it is not named')
    c.check(os.path.exists(os.path.join(out, 'timeline.svg')), 'no picture')
    # The same folder: what was there before goes.
    r = lib.run(sim, ['run', '--out', out, '--set', 'capture.timeline=false',
                      file])
    c.equal(r.returncode, 0, r.stderr)
    c.check('timeline.svg' not in r.stdout, 'it is named, and off')
    c.check(not os.path.exists(os.path.join(out, 'timeline.svg')), 'off')
    out = os.path.join(d, 'quick')
    r, report = lib.run_out(sim, lib.scenario('quickstart'), out)
    c.check(not os.path.exists(os.path.join(out, 'timeline.svg')),
            'a picture of nothing')
    with open(os.path.join(out, 'report.txt')) as f:
        c.check('Failovers' not in f.read(), 'quickstart has no failover')
    story = report['connections'][0]['story']
    c.check(story['receiver']['reads'] > 100 and
            story['receiver']['first_ps'] <= story['receiver']['gap_from_ps'] <
            story['receiver']['last_ps'], 'receiver: %s' % story['receiver'])
    # An upload's receiver is the server.
    r, report = lib.run_out(sim, lib.scenario('upload'), os.path.join(d, 'up'))
    for x in report['connections']:
        c.check(x['story']['receiver']['reads'] > 1, x['name'])


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    with lib.tmpdir() as d:
        run_all(c, sim, d)
        words(c, sim, d)
        gap_of_wire(c, sim, d)
        on_and_off(c, sim, d)
    c.done()


main()
