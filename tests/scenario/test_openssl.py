#!/usr/bin/env python3
"""OpenSSL programs: what each call comes to, with the keys in the kernel and
without; KeyUpdate, renegotiation, tickets; tshark sees what the report says."""
import itertools
import os
import sys
import tempfile

import lib

TEXT = '''ktls_sim: 1
name: programs
until: 5s
hosts:
  server:
    sysctl: {kern.ipc.tls.enable: 1}
    nics: {mce0: {model: %(card)s}}
    addresses: {mce0: 10.0.0.1/24}
    files: {/film: {size: 700001B}}
  client:
    sysctl: {kern.ipc.tls.enable: 1}
    nics: {em0: {model: basic}}
    addresses: {em0: 10.0.0.2/24}
links:
  - {ends: [server.mce0, client.em0], rate: 10Gbit/s, delay: 50us}
apps:
  prog: {type: openssl-server, host: server, port: 4433, key_update: %(policy)s,
         tls: {version: "%(version)s", tx: %(stx)s, rx: %(srx)s}, calls: [%(server)s]}
  user: {type: openssl-client, host: client, server: prog, key_update: handle%(more)s,
         tls: {version: "%(version)s", tx: %(ctx)s, rx: %(crx)s}, calls: [%(client)s]}
'''


class Runs:
    def __init__(self, c, sim, d):
        self.c, self.sim, self.d, self.n = c, sim, d, 0

    def __call__(self, client, server, code=0, **kw):
        """(report, by connection; folder)."""
        self.n += 1
        file = os.path.join(self.d, 'p%d.ktls.yaml' % self.n)
        out = os.path.join(self.d, 'out%d' % self.n)
        opts = dict(card='basic', policy='handle', version='1.3', stx='openssl', srx='openssl', ctx='openssl',
                    crx='openssl', more='', client=client, server=server)
        opts.update(kw)
        with open(file, 'w') as f:
            f.write(TEXT % opts)
        r, report = lib.run_out(self.sim, file, out)
        self.c.equal(r.returncode, code, '%s: %s' % (kw, r.stdout + r.stderr))
        return report['openssl'], out


def shark(out, *args):
    text = lib.tshark(os.path.join(out, 'wire.pcapng'), *args)
    return None if text is None else text.split()


def key_updates(c, run):
    """libssl follows where it has the keys; a kernel cannot, and says so."""
    client = '{call: write, bytes: 40kB}, {call: key_update, request: true}, {call: write, bytes: 40kB}, {call: read}'
    server = '{call: read, bytes: 60kB}, {call: write, bytes: 50kB}, {call: read, bytes: 20kB}'
    p, out = run(client, server)
    c.equal((p['prog#0']['key_updates'], p['user#0']['key_updates']), (1, 1), 'both follow')
    c.equal([x['done'] for x in p['user#0']['calls']], [True] * 4, 'the client')
    c.equal(p['user#0']['calls'][3]['bytes'], 50000, 'under the new keys')
    seen = shark(out, '-d', 'tcp.port==4433,tls', '-Y', 'tls.handshake.type==24', '-T', 'fields', '-e', 'tcp.srcport')
    if seen is not None:
        c.check('4433' in seen and len(seen) == 2, 'tshark: %s' % seen)
    for kw, words in ((dict(srx='kernel'), 'the peer updates its keys; the kernel cannot follow'),
                      (dict(stx='kernel'), 'the peer asks for new keys; the kernel cannot change them'),
                      (dict(policy='refuse'), 'the peer updates its keys, which the policy refuses')):
        p, _ = run(client, server, **kw)
        c.equal(p['prog#0'].get('library'), words, str(kw))
        c.equal(p['prog#0'].get('failed'), 'TLS protocol error', str(kw))
        c.equal(p['prog#0']['key_updates'], 0, str(kw))
    # Who would have to change keys in the kernel does not even ask.
    for kw, words in ((dict(ctx='kernel'), 'the kernel has the transmit keys, and takes no second ones'),
                      (dict(crx='kernel'), 'the kernel has the receive keys, and takes no second ones'),
                      (dict(version='1.2'), 'KeyUpdate is of TLS 1.3')):
        p, _ = run(client, server, **kw)
        x = p['user#0']['calls'][1]
        c.equal((x['refused'], x['why'], x['done']), ('EOPNOTSUPP', words, True), str(kw))
        c.equal(p['user#0']['calls'][3]['bytes'], 50000, 'it goes on: %s' % kw)


def renegotiation(c, run):
    client = '{call: write, bytes: 10kB}, {call: renegotiate}, {call: read}'
    server = '{call: read, bytes: 10kB}, {call: write, bytes: 10kB}'
    p, _ = run(client, server)
    x = p['user#0']['calls'][1]
    c.equal((x['refused'], x['why'], p['user#0']['calls'][2]['bytes']),
            ('EOPNOTSUPP', 'wrong ssl version', 10000), 'in 1.3 there is none')
    for kw in (dict(), dict(stx='kernel', srx='kernel'), dict(ctx='kernel')):
        p, out = run('{call: write, bytes: 10kB}, {call: renegotiate}', '{call: read}', version='1.2', **kw)
        c.equal((p['user#0'].get('failed'), p['user#0'].get('library')),
                ('TLS protocol error', 'renegotiation: libssl: no renegotiation'), str(kw))
        c.equal(p['prog#0']['calls'][0]['bytes'], 10000, 'the server lives: %s' % kw)
        seen = shark(out, '-d', 'tcp.port==4433,tls', '-Y', 'tls.alert_message.desc==100', '-T', 'fields', '-e',
                     'tcp.srcport')
        if seen is not None:
            c.equal(seen, ['4433'], "the server's alert: %s" % kw)


def writes(c, run):
    """Whole buffers and partial ones, with the keys on either side of the border."""
    for stx, card in itertools.product(('openssl', 'kernel'), ('basic', 'cx6dx', 't6')):
        p, out = run('{call: pause, for: 3ms}, {call: read}',
                     '{call: write, bytes: 900kB, size: 300kB}, {call: write_ex, bytes: 900kB, size: 300kB}, '
                     '{call: sendfile, file: /film, offset: 1B}, {call: take_back}',
                     stx=stx, card=card, version='1.2')
        whole, part, file, back = p['prog#0']['calls']
        c.equal((whole['partial'], whole['bytes'], part['bytes']), (0, 900000, 900000), stx)
        c.check(whole['again'] > 0 and part['partial'] > 0, 'they block: %s' % p['prog#0'])
        # Each call ends with all of its buffer, or with "call again".
        c.equal(whole['calls'] - whole['again'], 3, 'SSL_write returns once for each buffer')
        c.equal((file['bytes'], 'refused' in file), (700000, stx == 'openssl'), stx)
        c.check(stx == 'openssl' or file['partial'] > 0, 'sendfile stops in the middle: %s' % file)
        c.equal(back['refused'], 'ENOPROTOOPT', stx)
        c.equal(p['user#0']['calls'][1]['bytes'], 2500000, stx)
        c.equal(p['prog#0']['send']['kernel'], stx == 'kernel', 'BIO_get_ktls_send')


def tickets(c, run):
    """The library gets tickets from the kernel's hands, and resumes."""
    for version, crx, stx in itertools.product(('1.2', '1.3'), ('openssl', 'kernel'), ('openssl', 'kernel')):
        p, out = run('{call: read}', '{call: write, bytes: 30kB}', version=version, crx=crx, stx=stx,
                     more=', resume: true, connections: 3, interval: 10ms')
        kw = (version, crx, stx)
        c.equal([p['user#%d' % i]['resumed'] for i in range(3)], [False, True, True], 'resumed %s' % (kw,))
        c.equal(p['user#0']['tickets'], 2 if version == '1.3' else 0, 'tickets %s' % (kw,))
        c.equal([p['user#%d' % i]['recv']['kernel'] for i in range(3)], [crx == 'kernel'] * 3, str(kw))
        certs = shark(out, '-d', 'tcp.port==4433,tls', '-Y', 'tls.handshake.type==11', '-T', 'fields', '-e', 'tcp.stream')
        if certs is not None:
            c.equal(certs, ['0'], 'certificates are sent once: %s' % (kw,))
    p, _ = run('{call: read}', '{call: write, bytes: 30kB}', more=', connections: 2, interval: 10ms')
    c.equal(p['user#1']['resumed'], False, 'not unless it is asked for')


def ends(c, run):
    """Who ends first, and how: half-closed peers, and too little."""
    p, _ = run('{call: write, bytes: 10kB}, {call: shutdown}, {call: read}',
               '{call: read}, {call: write, bytes: 50kB}')
    c.equal(p['user#0']['calls'][2]['bytes'], 50000, 'what comes after its own close_notify')
    c.check('failed' not in p['user#0'] and 'failed' not in p['prog#0'], 'both end well')
    for suite in ('aes256-gcm', 'chacha20-poly1305'):
        p, _ = run('{call: write, bytes: 70kB}, {call: read}', '{call: read, bytes: 70kB}, {call: sendfile, file: /film}',
                   stx='kernel', srx='kernel, suite: ' + suite, crx='openssl, suite: ' + suite)
        c.equal(p['user#0']['calls'][1]['bytes'], 700001, suite)


def same_twice(c, run):
    args = ('{call: write, bytes: 40kB}, {call: read}', '{call: read, bytes: 40kB}, {call: sendfile, file: /film}')
    outs = [run(*args, stx='kernel', more=', resume: true, connections: 2, interval: 1ms')[1] for _ in range(2)]
    c.equal(*[lib.digest(o)['wire.pcapng'] for o in outs], 'wire.pcapng')


def main():
    c = lib.Checks()
    with tempfile.TemporaryDirectory() as d:
        run = Runs(c, lib.optimised(sys.argv[1]), d)
        for test in (key_updates, renegotiation, writes, tickets, ends, same_twice):
            test(c, run)
    return c.done()


sys.exit(main())
