#!/usr/bin/env python3
"""What is asked of a run: `why`, `trace-byte` and `show`, from a scenario and
from an output folder, as text and as JSON; answers against the capture."""
import json
import os
import re
import sys

import lib


class Asker:
    def __init__(self, c, sim, d):
        self.c, self.sim, self.d = c, sim, d

    def ask(self, *args, code=0, error=None):
        r = lib.run(self.sim, list(args))
        self.c.equal(r.returncode, code, '%s: %s' % (' '.join(args), r.stderr))
        if error:
            self.c.check(error in r.stderr, '%s: %s' % (args, r.stderr))
        return r.stdout

    def json(self, command, *args):
        text = self.ask(command, '--json', *args)
        return json.loads(text) if text else None


def mode(c, a, folder):
    text = a.ask('why', folder, 'not-offloaded', 'get#0')
    c.check('server transmits by ifnet (the card took the session)' in text, text)
    c.equal(text.count('send tag replaced: new tag'), 2, text)
    for name, want, remedy in (
            ('quickstart', 'by sw (kern.ipc.tls.ifnet.permitted is 0)', 'kern.ipc.tls.ifnet.permitted: 1'),
            ('no-backend', 'in user space (', None),
            ('rexmit-limit', 'by sw (too much was retransmitted)', 'ifnet_max_rexmit_pct')):
        o = a.json('why', lib.scenario(name), 'not-offloaded', 'flow1')
        c.check(want in o['answer'], '%s: %s' % (name, o['answer']))
        c.check(remedy is None or remedy in o['remedy'], '%s: %s' % (name, o['remedy']))
        c.check(all('text' in x for x in o['lines']), name)
    a.ask('why', folder, 'not-offloaded', 'get#7', code=2, error='there is no connection `get#7`: the run has 1, from get#0')


def comments(c, a, folder):
    """The capture tells the decisions, each where the connection next sends TLS."""
    rows = lib.tshark(os.path.join(folder, 'wire.pcapng'), '-Y', 'frame.comment contains "TLS by" or frame.comment contains "tag reset"',
                      '-T', 'fields', '-e', 'frame.number', '-e', 'frame.comment')
    if rows is None:
        return
    rows = [x.split('\t') for x in rows.splitlines()]
    c.equal(['TLS by ifnet: the card took the session' in rows[0][1]] + ['send tag reset: new tag' in x[1] for x in rows[1:]],
            [True, True], rows)


def fields(path, frame, *names):
    args = ['-Y', 'frame.number == %d' % frame, '-T', 'fields']
    for n in names:
        args += ['-e', n]
    return lib.tshark(path, *args)


def dropped(c, a, folder):
    """Each frame that the comments call dropped, and its repair by tshark's sequence numbers."""
    path = os.path.join(folder, 'wire.pcapng')
    lost = lib.tshark(path, '-Y', 'frame.comment contains "dropped"', '-T', 'fields', '-e', 'frame.number',
                      '-e', 'tcp.seq', '-e', 'tcp.len')
    if lost is None:
        return
    rows = [x.split('\t') for x in lost.splitlines()]
    c.check(len(rows) > 3, 'frames are lost: %d' % len(rows))
    repaired = 0
    for number, seq, length in rows[:6]:
        o = a.json('why', folder, 'dropped', number)
        c.check(o['answer'].startswith('frame %s was dropped: ' % number), o['answer'])
        m = re.search('frame ([0-9]+) brought', o['answer'])
        if m is None or length == '0':
            continue
        repaired += 1
        s, n = [int(x) for x in fields(path, int(m.group(1)), 'tcp.seq', 'tcp.len').split()]
        c.check(s <= int(seq) < s + n, 'frame %s repairs %s' % (m.group(1), number))
    c.check(repaired > 0, 'nothing was repaired')
    text = a.ask('why', folder, 'dropped', '1')
    c.check('frame 1 was not dropped' in text, text)
    a.ask('why', folder, 'dropped', '999999', code=2, error='the run has the frames 1 to ')
    a.ask('why', folder, 'dropped', 'x', code=2, error='`x` is no frame')
    a.ask('why', folder, 'lost', '3', code=2, error='write `why RUN not-offloaded CONN`')


SLOW = '''ktls_sim: 1
name: stalls
hosts:
  server:
    cpus: 1
    sysctl: {kern.ipc.tls.enable: 1}
    disk_latency: 50ms
    nics: {mce0: {}}
    addresses: {mce0: 10.0.0.1/24}
    files: {/f: {size: 2MiB, cached: %s}}
  client: {nics: {em0: {}}, addresses: {em0: 10.0.0.2/24}}
links: [{ends: [server.mce0, client.em0]}]
apps:
  web: {type: https-server, host: server, tls: {version: 1.3}}
  get: {type: https-client, host: client, server: web, path: /f, tls: {version: 1.3}%s}
timeline: [%s]
'''


def stalled(c, a, folder):
    """The last line of the chain is what the scenario did to the connection."""
    file = os.path.join(a.d, 'stalls.ktls.yaml')
    for cached, get, step, at, want in (
            ('false', '', '', '@10ms', 'waits for the disk of server'),
            ('true', ', read_rate: 8Mbit/s', '', '@200ms', 'it reads no faster than 8000000 bit/s'),
            ('true', '', '{at: 250us, do: workers, on: server, for: 50ms}', '@20ms', 'is held by the scenario, goes on in'),
            ('true', '', '{at: 300us, do: link_down, on: server.mce0}', '@100ms', 'the link of mce0 on server is down'),
            ('true', '', '{at: 300us, do: link_suspend, on: server.mce0}, {at: 900ms, do: link_resume, on: server.mce0}',
             '', 'the retransmission timer sends again in')):
        with open(file, 'w') as f:
            f.write(SLOW % (cached, get, step))
        o = a.json('why', file, 'stalled', 'get#0' + at)
        c.check(want in o['lines'][-1]['text'], '%s: %s' % (want, [x['text'] for x in o['lines']]))
        c.check(o['lines'][0]['text'].startswith('1. get#0 on client is at: body'), o['lines'][0])
    a.ask('why', file, 'stalled', 'get#0@99s', code=2, error='or the run is over then')
    a.ask('why', file, 'stalled', 'get#0@x', code=2, error='is not a time with its unit')


def plain_byte(c, a):
    """Without TLS the byte itself stands in the frame that is named."""
    file = lib.edited('quickstart', a.d, *[(x, '') for x in PLAIN])
    out = os.path.join(a.d, 'plain')
    r, _ = lib.run_out(a.sim, file, out)
    body = lib.tshark(os.path.join(out, 'wire.pcapng'), '-q', '-z', 'follow,tcp,raw,0')
    if body is None:
        return
    stream = bytes.fromhex(''.join(x.strip() for x in body.splitlines()[6:-1] if x.startswith('\t')))
    for off in (0, 100, 65057, len(stream) - 1):
        o = a.json('trace-byte', out, 'flow1:%d' % off)
        c.equal(o['answer'], 'it was delivered', str(off))
        frames = [x['frame'] for x in o['lines'] if 'in the segment' in x['text']]
        place = int(re.search('byte ([0-9]+) of', [x['text'] for x in o['lines'] if 'in the segment' in x['text']][0])[1])
        payload = bytes.fromhex(fields(os.path.join(out, 'wire.pcapng'), frames[0], 'tcp.payload').strip())
        c.equal(payload[place], stream[off], 'byte %d in frame %d' % (off, frames[0]))
    a.ask('trace-byte', out, 'flow1:%d' % len(stream), code=2,
          error='the server of get#0 sends %d bytes, counted from 0: there is no byte' % len(stream))


def tls_byte(c, a, folder):
    """Its record, its place, its sequence number: against dump and tshark."""
    path = os.path.join(folder, 'wire.pcapng')
    for off in (0, 65057, 1000000):
        o = a.json('trace-byte', folder, 'get#0:%d' % off)
        text = ' '.join(x['text'] for x in o['lines'])
        c.equal(o['answer'], 'it was delivered', text)
        seq = int(re.search('sequence ([0-9]+)', text)[1])
        frames = [x['frame'] for x in o['lines'] if 'in the segment' in x['text']]
        times = [x['ps'] for x in o['lines']]
        c.equal(times, sorted(times), 'in order')
        for frame in frames:
            row = fields(path, frame, 'tcp.seq_raw', 'tcp.len')
            if row is not None:
                s, n = [int(x) for x in row.split()]
                c.check(s <= seq < s + n, 'frame %d has byte %d' % (frame, off))
        c.check('encrypt' in text, text)
    o = a.json('trace-byte', folder, 'get#0:client:3')
    c.equal(o['answer'], 'it was delivered', 'the request')
    a.ask('trace-byte', folder, 'get#0', code=2, error='such as flow1:65057')
    a.ask('trace-byte', folder, 'get#0:peer:3', code=2, error='such as flow1:65057')


def show(c, a, folder):
    text = a.ask('show', folder, 'sockbuf@400us', 'get#0')
    c.equal(re.findall('^(server|client)$', text, re.M), ['server', 'server', 'client', 'client'], text)
    c.check('acc ' in text and 'mbuf 0' in text, text)
    o = a.json('show', folder, 'lagg@400us', 'server')
    c.check(len(o) == 1 and o[0]['line'].startswith('lagg lagg0') and o[0]['below'], str(o)[:200])
    for what in ('connection', 'tcp', 'tag', 'nic', 'ring', 'worker', 'interface', 'wire', 'app', 'memory', 'host'):
        c.check(len(a.json('show', folder, what + '@400us')) > 0, what)
    c.check('card mce1' in a.ask('show', folder, 'nic@400us', 'server.mce1'), 'one card')
    a.ask('show', folder, 'nick@400us', code=2, error='nothing is called `nick`; did you mean `nic`?')
    a.ask('show', folder, 'nic', code=2, error='such as sockbuf@120ms get#0')
    a.ask('show', folder, 'nic@90s', code=2, error='the run is over before that instant')
    a.ask('show', folder, 'lagg@400us', 'lagg7', code=2, error='there is none of that')


def options(c, a):
    """A run that is not there yet: seed, defect and settings are given."""
    f = lib.scenario('quickstart')
    plain = a.ask('trace-byte', f, 'get#0:1000')
    c.check('sequence' in plain and plain != a.ask(
        'trace-byte', '--seed', '2', f, 'get#0:1000'),
        'another seed, another sequence number')
    c.check(plain != a.ask('trace-byte', '--set', 'links[0].delay=1ms', f,
                           'get#0:1000'), '--set')
    # This one breaks the run before anything is sent.
    defect = ['--defect', 'kern.sbready-early', f]
    a.ask('trace-byte', *defect, 'get#0:1000', code=2,
          error='the run broke off before it could tell of a connection: sbcheck')
    a.ask('show', *defect, 'tcp@1ms', 'get#0', code=2, error='the run is over')
    at = ['tcp@1ms', 'get#0']
    tcp = a.ask('show', f, *at)
    c.check(tcp != a.ask('show', '--seed', '2', f, *at), 'show --seed')
    a.ask('show', '--defect', 'kern.sbready-erly', f, *at, code=2,
          error='did you mean `kern.sbready-early`?')


LAB = '''ktls_sim: 1
name: lab
hosts:
  server: {sysctl: {kern.ipc.tls.enable: 1}, nics: {m0: {}}, addresses: {m0: 10.0.0.1/24}, files: {/f: {size: 100KiB}}}
  client: {sysctl: {kern.ipc.tls.enable: 1}, nics: {e0: {}}, addresses: {e0: 10.0.0.2/24}}
links: [{ends: [server.m0, client.e0], rate: 100Mbit/s, delay: 1ms}]
apps:
%s
'''
# A small buffer takes writes in parts; a sender in user space has no kernel's numbers.
IN_PARTS = '''  d: {type: iperf-server, host: server, port: 5201, tls: {rx: kernel}}
  get: {type: iperf-client, host: client, server: d, bytes: 500kB, block: 64KiB, sndbuf: 20KiB, tls: {tx: kernel}}'''
USER = '''  d: {type: https-server, host: server, tls: {tx: openssl, handshake: synthetic%s}}
  get: {type: https-client, host: client, server: d, path: /f, tls: {rx: kernel, handshake: synthetic}}
checks: {records: false}'''
CBC = 'tls: {version: "1.2", suite: aes128-cbc-sha256, '
BAD_MAC = ', spoil: {record: 2, how: bad-mac}'


def write(d, text):
    file = os.path.join(d, 'lab.ktls.yaml')
    with open(file, 'w') as f:
        f.write(text)
    return file


def records(folder, point):
    """(number, first byte, behind the last) of the application's records, by what a kernel told."""
    at, found = 0, []
    for line in open(os.path.join(folder, 'trace.ndjson')):
        e = json.loads(line)
        if e['point'] == point and e['conn'] and e.get('type', 23) == 23:
            found.append((e['seqno'], at, at + e['len']))
            at += e['len']
    return found


def numbers(c, a, d):
    """The record that has a byte, by what the receiver's kernel decrypted."""
    for what, text, sender in (('in parts', LAB % IN_PARTS, 'client'),
                               ('in parts', LAB % IN_PARTS.replace('tls: {', CBC), 'client'),
                               ('user space', LAB % (USER % ''), 'server')):
        file = write(d, text)
        folder = os.path.join(d, 'lab')
        r = lib.run(a.sim, ['run', '--quiet', '--trace=tls_decrypted', '--out', folder, file])
        c.equal(r.returncode, 0, r.stderr)
        known = records(folder, 'tls_decrypted')
        c.check(len(known) > 6, known)
        for number, first, behind in known[::len(known) // 5]:
            for byte in (first, behind - 1):
                told = a.ask('trace-byte', folder, 'get#0:%s:%d' % (sender, byte))
                c.check('the kernel has decrypted record %d\n' % number in told, '%s %d: %s' % (what, byte, told))
                c.check(('a worker has encrypted kernel record %d (' % number in told) == (what == 'in parts'), told)
                c.check(('its application encrypted it' in told) == (what != 'in parts'), told)
                c.check('cannot be told' not in told, told)
                # The place, by two sums: of the records before it, and of the byte in its own.
                at = re.search(r'from byte (\d+) of the TCP stream\), byte (\d+) of its plaintext: byte (\d+) of', told)
                head = 5 + 16 * ('cbc' in text)
                c.equal((int(at[2]), int(at[3])), (byte - first, int(at[1]) + head + byte - first), told)
    file = write(d, LAB % (USER % BAD_MAC))
    _, first, behind = known[2]
    for byte in (first, behind - 1):
        told = a.ask('trace-byte', file, 'get#0:%d' % byte)
        c.check('record 2 cannot be used: authentication failed (EBADMSG)' in told, told)
        c.check('the kernel has decrypted' not in told, told)
    # A record that fits into one mbuf leaves in a plain one; a worker encrypted it all the same.
    told = a.ask('trace-byte', lib.scenario('quickstart'), 'get#0:0')
    c.check('a worker has encrypted kernel record 2 (121 bytes)' in told and 'OpenSSL' not in told, told)


def waits(c, a, d):
    """Before there is a body."""
    file = write(d, LAB % (USER % ''))
    for at, lines in (('500us', ('is at: connects', 'the SYN of client is sent and not acknowledged')),
                      ('4.5ms', ('is at: shakes hands', 'no application at the other end has accepted it yet',
                               ' bytes of client are sent and not acknowledged'))):
        told = a.ask('why', file, 'stalled', 'get#0@' + at)
        for line in lines:
            c.check(line in told, at + ': ' + told)
    told = a.ask('why', lib.scenario('quickstart'), 'stalled', 'get#0@2ms')
    c.check('it waits for 40960 bytes of room (' in told, told)


def main():
    c = lib.Checks()
    sim = sys.argv[1]
    with lib.tmpdir() as d:
        a = Asker(c, sim, d)
        folder = os.path.join(d, 'failover')
        r, _ = lib.run_out(sim, lib.scenario('failover'), folder)
        c.equal(r.returncode, 0, r.stderr)
        mode(c, a, folder)
        comments(c, a, folder)
        dropped(c, a, folder)
        stalled(c, a, folder)
        plain_byte(c, a)
        tls_byte(c, a, folder)
        show(c, a, folder)
        options(c, a)
        numbers(c, a, d)
        waits(c, a, d)
        a.ask('why', os.path.join(d, 'nothing'), 'dropped', '3', code=3)
    c.done()


PLAIN = [m for m in re.findall(r'\n    tls:(?:\n      .*)+', open(lib.scenario('quickstart')).read())] or \
    re.findall(r'\n    tls: \{[^}]*\}', open(lib.scenario('quickstart')).read())
main()
