#!/usr/bin/env python3
"""Steps about hosts and applications: each has the effect that its name says,
and the run is as it was without it otherwise."""
import json
import os
import sys

import lib

TEXT = '''ktls_sim: 1
name: steps
hosts:
  server:
    cpus: 2
    sysctl: {kern.ipc.tls.enable: 1}
    disk_latency: 50us
    nics: {mce0: {}}
    addresses: {mce0: 10.0.0.1/24}
    files: {/f: {size: 1MiB, cached: false}}
  client: {nics: {em0: {}}, addresses: {em0: 10.0.0.2/24}}
links: [{ends: [server.mce0, client.em0]}]
apps:
  web: {type: https-server, host: server, tls: {version: 1.3}%s}
  get: {type: https-client, host: client, server: web, path: /f, tls: {version: 1.3}%s}
timeline:
%s
'''


class Runs:
    def __init__(self, c, sim, d):
        self.c, self.sim, self.d = c, sim, d

    def run(self, steps=(), web='', get='', code=0, *options):
        file = os.path.join(self.d, 'steps.ktls.yaml')
        with open(file, 'w') as f:
            f.write(TEXT % (web, get, '\n'.join('  - {%s}' % s for s in steps) or '  []'))
        out = os.path.join(self.d, 'out')
        r, report = lib.run_out(self.sim, file, out, '--trace', *options)
        self.c.equal(r.returncode, code, '%s %s %s: %s' % (steps, web, get, r.stderr))
        self.trace = []
        if os.path.exists(os.path.join(out, 'trace.ndjson')):
            with open(os.path.join(out, 'trace.ndjson')) as f:
                self.trace = [json.loads(x) for x in f]
        self.r, self.report = r, report
        self.conn = report['connections'][0] if report else None
        return report

    def points(self, name, **where):
        return [x for x in self.trace if x['point'] == name and all(x.get(k) == v for k, v in where.items())]

    def broken(self):
        return [i + 1 for i, x in enumerate(self.report['invariants']) if x['broken']]


def host_steps(c, s):
    s.run()
    plain = s.conn['end_ps']
    reads = len(s.points('disk_read'))
    c.check(reads > 200, 'pages are read')
    s.run(['at: 0s, do: disk, on: server, latency: 5ms'])
    c.check(s.conn['end_ps'] > plain + 4 * 10 ** 9, 'a slow disk')
    s.run(['at: 0s, do: disk, on: server, latency: 0s, jitter: 3ms'])
    c.check(s.conn['end_ps'] > plain, 'jitter')
    s.run(['at: 300us, do: disk, on: server, error: true'])
    c.equal(sorted({x['error'] for x in s.points('disk_read')}), [0, 5], 'the disk fails: EIO')
    c.equal([x['error'] for x in s.points('app_error', app='web')], [32], 'which the server hears as EPIPE')
    c.check(not s.conn['done'], 'so does the download')
    s.run(['at: 300us, do: disk, on: server, error: true', 'at: 301us, do: disk, on: server, error: false'])
    s.run(['at: 200us, do: workers, on: server, for: 20ms'])
    late = [x for x in s.points('tls_encrypted') if 250e6 < x['ps'] < 20.2e9]
    c.equal(late, [], 'held workers encrypt nothing')
    c.check(s.conn['end_ps'] > 20.2e9 and s.conn['done'], 'and go on')
    s.run(['at: 200us, do: workers, on: server, for: 10s'])
    c.equal(s.broken(), [], 'a hold that outlives the run is no stall')
    s.run(['at: 0s, do: completion, on: server, completion: reverse'])
    c.check(s.conn['done'], 'another order')
    seq = [x['seqno'] for x in s.points('tls_encrypted')]
    c.check(seq != sorted(seq), 'records are encrypted in another order: %s' % seq[:9])


def memory(c, s):
    s.run(['at: 100us, do: fail_alloc, on: server, zone: mbuf, count: 3'])
    c.check(s.conn['done'] and s.broken() == [], 'mbufs fail: it goes on')
    s.run(['at: 0s, do: fail_alloc, on: server, zone: ktls_session'])
    c.equal([(x['error'], x['reason']) for x in s.points('tls_enable', at='server')],
            [(12, 'no memory for the session')], 'no session')
    c.check(s.conn['done'], 'OpenSSL encrypts then')
    s.run(['at: 0s, do: fail_alloc, on: server, zone: mbuff'], '', '', 2)
    c.check('there is no zone `mbuff`; the kernel has: ' in s.r.stderr and 'mbuf' in s.r.stderr, s.r.stderr)


def applications(c, s):
    s.run(get=', read_rate: 80Mbit/s')
    # 1 MiB at 10 MB/s is 105 ms.
    c.check(104e9 < s.conn['end_ps'] < 112e9, 'a slow reader: %s' % s.conn['end_ps'])
    s.run(['at: 50ms, do: behave, on: get, rate: 0bit/s'], get=', read_rate: 80Mbit/s')
    c.check(50e9 < s.conn['end_ps'] < 60e9, 'and then a fast one: %s' % s.conn['end_ps'])
    s.run(get=', abort_after: 300KiB')
    c.check(300 * 1024 <= s.conn['body_bytes'] < 600 * 1024 and
            s.conn['failed'] == 'aborted by the application', s.conn)
    c.equal(s.broken(), [], 'what is not delivered is excused')
    s.run(['at: 400us, do: abort, on: get, connection: 0'])
    c.equal(s.conn['failed'], 'aborted by the application', 'abort')
    c.equal([x['what'] for x in s.points('app_event', app='get')][-1], 'abort', 'it is in the trace')
    small = ', sndbuf: 64KiB'
    s.run(web=small + ', misreads: partial', code=4)
    c.equal(s.broken(), [1], 'bytes twice')
    s.run(web=small + ', misreads: eagain')
    c.check(0 < s.conn['body_bytes'] < 1 << 20 and s.conn['failed'] == 'ECONNRESET', 'the end too early')
    s.run(['at: 0s, do: behave, on: web, misreads: eagain'], web=small)
    c.check(s.conn['done'] and s.points('app_error', app='timeline', error=3), 'nobody was there to behave: ESRCH')
    s.run(['when: "delivered(get) >= 100KiB", do: behave, on: web, misreads: eagain'], web=small)
    c.check(100 * 1024 <= s.conn['body_bytes'] < 1 << 20, 'from a step')


def circle(c, s):
    """Two conditions that make each other true: the run ends and names the steps."""
    flip = ('times: 0, when: "counter(server, kern.ipc.tls.enable) == %d", do: sysctl, on: server, '
            'name: kern.ipc.tls.enable, value: %d')
    s.run([flip % (1, 0), flip % (0, 1)], code=4)
    c.equal(s.broken(), [7], 'a circle')
    first = s.report['invariants'][6]['first']
    for n, line in ((1, 17), (0, 18)):
        c.check('`sysctl on server when counter(server, kern.ipc.tls.enable) == %d` (line %d)' % (n, line) in first, first)
    c.equal(s.report['invariants'][6]['first_ps'], 0, 'at the beginning')
    s.run([flip % (1, 0), 'after: 1ms, ' + flip % (0, 1)], code=0)
    c.equal(s.broken(), [], 'a circle that takes its time')


def zeros(c, s):
    """A record whose inside is all zeros has no type: EBADMSG, as a bad MAC."""
    with open(lib.scenario('receive-errors')) as f:
        text = f.read()
    file = os.path.join(s.d, 'zeros.ktls.yaml')
    with open(file, 'w') as f:
        f.write(text.replace('how: bad-mac', 'how: zero-plaintext'))
    r, report = lib.run_out(s.sim, file, os.path.join(s.d, 'zeros'))
    c.equal(r.returncode, 0, r.stderr + str([x for x in report['expectations'] if not x['met']]))


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        s = Runs(c, sys.argv[1], d)
        host_steps(c, s)
        memory(c, s)
        applications(c, s)
        circle(c, s)
        zeros(c, s)
    c.done()


main()
