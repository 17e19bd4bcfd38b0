#!/usr/bin/env python3
"""NFS over TLS: every card, both versions, both ends in the kernel and each
against OpenSSL; what is in the capture is the RPC exchange byte for byte, and
dissects; daemons that are absent, slow, dying; servers that close; alerts between
records; wrong record marks; half-closed ends; mounts that are refused."""
import os
import re
import struct
import sys

import lib

LUA = 'lua_script:' + os.path.join(lib.ROOT, 'contrib', 'ktls-sim-rpc-tls.lua')
AS_TLS = ('-d', 'tcp.port==2049,tls')
SIZE = 300000
TEXT = '''ktls_sim: 1
name: nfs
defaults: {host: {coarse_timestamps: true, sysctl: {kern.ipc.tls.ifnet.permitted: 1}}}
hosts:
  server:
    sysctl: {kern.ipc.tls.enable: %(server_enable)s}
    nics: {mce0: %(card)s}
    addresses: {mce0: 10.0.0.1/24}
    files: {/data: {size: %(size)dB}, /cold: {size: 1KiB, cached: false}}
  client:
    sysctl: {kern.ipc.tls.enable: %(client_enable)s}
    nics: {em0: %(card)s}
    addresses: {em0: 10.0.0.2/24}
    files: {/up: {size: %(size)dB}}
links: [{ends: [server.mce0, client.em0], rate: 10Gbit/s, delay: 20us, loss: %(loss)s}]
apps:
  nfsd: {type: nfs-server, host: server, port: 2049%(server)s}
  mnt: {type: nfs-client, host: client, server: nfsd%(client)s}
%(more)s'''
KERNEL = ', tls: {tx: kernel, rx: kernel}'
READ = ', path: /data'
LOST_CALL = '0%, impair: [{from: client.em0, drop: {whose: client, app_record: 5}}]'
CARDS = {'basic': '{}', 'ideal': '{model: ideal}', 'cx6dx': '{model: cx6dx}', 't6': '{model: t6}',
         'toe': '{model: t6, settings: {toe: 1}}'}


class Runs:
    def __init__(self, c, sim, d):
        self.c, self.sim, self.d = c, sim, d

    def write(self, server, client, name='nfs', **kw):
        values = dict(server=server, client=client, card='{}', size=SIZE, server_enable=1, client_enable=1,
                      loss='0%', more='')
        values.update(kw)
        file = os.path.join(self.d, name + '.ktls.yaml')
        with open(file, 'w') as f:
            f.write(TEXT % values)
        return file

    def run(self, server, client, code=0, options=(), **kw):
        """The report's `nfs`, and what it says of the first end of each."""
        file = self.write(server, client, **kw)
        self.out = os.path.join(self.d, 'out')
        self.r, self.report = lib.run_out(self.sim, file, self.out, *options)
        self.c.equal(self.r.returncode, code, '%s / %s: %s%s' % (server, client, self.r.stderr, self.r.stdout[-800:]))
        if self.report is None:
            return None, None
        nfs = self.report['nfs']
        return nfs['mnt']['ends'][0], nfs['nfsd']['ends'][0] if nfs['nfsd']['ends'] else None


# --- the capture ---

def streams(s):
    """What each side sent in TLS, by tshark's decryption: [client, server]."""
    text = lib.tshark(os.path.join(s.out, 'wire.pcapng'), '-o', 'tcp.reassemble_out_of_order:TRUE', *AS_TLS, '-q',
                      '-z', 'follow,tls,raw,0')
    if text is None:
        return None
    lines = [x for x in text.splitlines() if re.match(r'^\t?[0-9a-f]+$', x)]
    first = lines[0].startswith('\t')  # the client speaks first
    return [bytes.fromhex(''.join(x.strip() for x in lines if x.startswith('\t') == want))
            for want in (first, not first)]


def in_clear(out):
    """The same of a connection without TLS."""
    text = lib.tshark(os.path.join(out, 'wire.pcapng'), '-q', '-z', 'follow,tcp,raw,0')
    if text is None:
        return None
    lines = [x for x in text.splitlines() if re.match(r'^\t?[0-9a-f]+$', x)]
    first = lines[0].startswith('\t')
    return [bytes.fromhex(''.join(x.strip() for x in lines if x.startswith('\t') == want))
            for want in (first, not first)]


def records(stream):
    """RPC records by their marks: nothing may be left."""
    out, record = [], b''
    while stream:
        mark, = struct.unpack('>I', stream[:4])
        n = mark & 0x7fffffff
        assert len(stream) >= 4 + n, 'a record is cut'
        record += stream[4:4 + n]
        stream = stream[4 + n:]
        if mark >> 31:
            out.append(record)
            record = b''
    assert record == b''
    return out


def exchange(c, s, what, upload=False):
    """The decrypted streams are what the same mount says without TLS, but for the
    xids; the file's bytes are the generator's."""
    tls = streams(s)
    if tls is None:
        return
    calls, replies = records(tls[0]), records(tls[1])
    c.equal([x[:4] for x in sorted(replies)], [x[:4] for x in sorted(calls)], what + ': xids')
    data = {}
    name = '/up' if upload else '/data'
    by_xid = {x[:4]: x for x in replies}
    for x in calls:
        proc, = struct.unpack('>I', x[20:24])
        cred, = struct.unpack('>I', x[28:32])
        args = x[32 + cred + 8:]
        if proc not in (6, 7):
            continue
        offset, count = struct.unpack('>QI', args[12:24])
        reply = by_xid[x[:4]]
        if proc == 7:
            data[offset] = args[32:32 + count]
            continue
        # Accepted, AUTH_NONE, success; NFS3_OK, attributes, count, eof, length.
        body = reply[24:]
        ok, has = struct.unpack('>II', body[:8])
        got, eof, length = struct.unpack('>III', body[92:104])
        c.equal((ok, has, got, length, eof), (0, 1, count, count, int(offset + count == SIZE)), what + ': READ')
        data[offset] = body[104:104 + length]
    whole = b''.join(data[k] for k in sorted(data))
    c.check(whole == lib.file_bytes(name, 1, SIZE), what + ': the file, %d bytes' % len(whole))
    return calls, replies


def same_as_in_clear(c, s):
    for client, upload in ((READ, False), (', upload: /up', True)):
        s.run(KERNEL, client + KERNEL)
        tls = exchange(c, s, client, upload)
        s.run('', client)
        plain = in_clear(s.out)
        if tls is None or plain is None:
            return
        for way in range(2):
            # The probe has one of its own.
            c.equal([x[4:] for x in records(plain[way])], [x[4:] for x in tls[way]], '%s: way %d' % (client, way))


def dissects(c, s):
    mnt, _ = s.run(KERNEL, READ + ', readahead: 3' + KERNEL)
    pcap = os.path.join(s.out, 'wire.pcapng')
    fields = ('-T', 'fields', '-e', 'nfs.procedure_v3', '-e', 'rpc.msgtyp')
    text = lib.tshark(pcap, '-X', LUA, *AS_TLS, '-Y', 'nfs', *fields)
    if text is None:
        return
    rows = [tuple(x.split('\t')) for x in text.splitlines()]
    names = {'1': 'getattr', '3': 'lookup', '6': 'read'}
    for number, name in names.items():
        p = mnt['procedures'][name]
        for kind in ('0', '1'):
            n = sum(r[0].split(',').count(number) for r in rows if kind in r[1].split(','))
            c.equal(n, p['calls'], 'tshark: %s, message type %s' % (name, kind))
    for bad in ('_ws.malformed', 'rpc.auth.flavor == 7', 'nfs.status != 0'):
        c.equal(lib.tshark(pcap, '-X', LUA, *AS_TLS, '-Y', bad), '', 'tshark: ' + bad)
    # The probe is in clear, and stock tshark knows it.
    text = lib.tshark(pcap, '-Y', 'rpc.auth.flavor == 7', '-T', 'fields', '-e', 'rpc.procedure', '-e',
                      'rpc.auth.length')
    c.equal(text, '0\t0,0\n', 'the probe')
    text = lib.tshark(pcap, '-Y', 'rpc.msgtyp == 1 && rpc.auth.length == 8', '-T', 'fields', '-e', 'tcp.payload')
    c.check(bytes.fromhex(text.strip()).find(b'\0\0\0\x08STARTTLS\0\0\0\0') > 0, 'its answer: ' + text)
    # ALPN, RFC 9289.
    text = lib.tshark(pcap, *AS_TLS, '-Y', 'tls.handshake.extensions_alpn_str', '-T', 'fields', '-e',
                      'tls.handshake.extensions_alpn_str')
    c.equal(text, 'sunrpc\nsunrpc\n', 'ALPN')
    r = lib.run(s.sim, ['run', '--out', s.out, s.write(KERNEL, READ + KERNEL)])
    c.check('tshark -X lua_script:contrib/ktls-sim-rpc-tls.lua -d tcp.port==2049,tls -r' in r.stdout, r.stdout[-500:])


# --- mounts that work ---

def works(c, s, server, client, what, transports=('kernel', 'kernel'), loss=False, **kw):
    mnt, nfsd = s.run(server, client, **kw)
    upload = 'upload' in client
    c.equal((mnt['state'], nfsd['state'], mnt.get('reason')), ('done', 'done', None), what)
    c.equal((mnt['transport'], nfsd['transport']), transports, what)
    c.equal((mnt['rpc_sent'], mnt['rpc_received']), (nfsd['rpc_received'], nfsd['rpc_sent']), what)
    c.equal((mnt['bytes_sent'], mnt['bytes_received']), (nfsd['bytes_received'], nfsd['bytes_sent']), what)
    way = 'file_bytes_written' if upload else 'file_bytes_read'
    c.equal((mnt[way], nfsd[way]), (SIZE, SIZE), what)
    for p in mnt['procedures'].values():
        c.check(p['calls'] == p['replies'], what)
        c.check(0 < p['p50_ps'] <= p['p90_ps'] <= p['p99_ps'] <= p['max_ps'], what + ': %s' % p)
    return mnt, nfsd


def cards(c, s):
    for name, card in CARDS.items():
        for version in ('1.2', '1.3'):
            tls = ', tls: {version: "%s", tx: kernel, rx: kernel}' % version
            for client in (READ, ', upload: /up'):
                what = '%s, TLS %s%s' % (name, version, client)
                mnt, nfsd = works(c, s, tls, client + tls, what, card=card)
                c.check(nfsd['tls_records_sent'] > 5 and mnt['tls_records_sent'] > 5, what)
                exchange(c, s, what, 'upload' in client)
    # The card did it, where it can.
    for name, version, mode in (('basic', '1.3', 'sw'), ('ideal', '1.3', 'ifnet'), ('cx6dx', '1.3', 'ifnet'),
                                ('t6', '1.2', 'ifnet'), ('toe', '1.2', 'toe')):
        tls = ', tls: {version: "%s", tx: kernel, rx: kernel}' % version
        s.run(tls, READ + tls, card=CARDS[name], more='expect: [{mode: {app: mnt, is: %s}}]\n' % mode)


def openssl(c, s):
    """Each kernel end against an end whose bytes go through libssl."""
    user = ', fallback: daemon, tls: {version: "%s", tx: openssl, rx: openssl}'
    kernel = ', tls: {version: "%s", tx: kernel, rx: kernel}'
    for name in ('basic', 'cx6dx'):
        for version in ('1.2', '1.3'):
            for client in (READ, ', upload: /up'):
                for ends in (('daemon', 'kernel'), ('kernel', 'daemon'), ('daemon', 'daemon')):
                    tls = [(user if e == 'daemon' else kernel) % version for e in ends]
                    what = '%s, %s, %s%s' % (name, ends, version, client)
                    works(c, s, tls[1], client + tls[0], what, transports=ends, card=CARDS[name])
                    exchange(c, s, what, 'upload' in client)
    # One direction alone is not enough to leave it to the kernel.
    half = ', fallback: daemon, tls: {tx: kernel, rx: openssl}'
    works(c, s, KERNEL, READ + half, 'half', transports=('daemon', 'kernel'))
    for suite in ('aes256-gcm', 'chacha20-poly1305'):
        tls = ', tls: {suite: %s, tx: kernel, rx: kernel}' % suite
        works(c, s, tls, READ + tls, suite)
    tls = ', tls: {handshake: synthetic, tx: kernel, rx: kernel}'
    works(c, s, tls, READ + tls, 'synthetic')


def many(c, s):
    """Several mounts; loss; sizes around a record; records in fragments."""
    s.run(KERNEL, READ + ', connections: 5, interval: 30us, readahead: 7, rsize: 8KiB' + KERNEL, loss='1%')
    c.equal((s.report['nfs']['mnt']['done'], s.report['nfs']['nfsd']['refused']), (5, 0), 'five mounts, 1% loss')
    names = [x['name'] for x in s.report['nfs']['mnt']['ends']]
    c.equal(names, ['mnt#%d' % i for i in range(5)], 'names')
    for rsize in ('512B', '16332B', '16384B', '1MiB'):
        works(c, s, KERNEL, READ + ', rsize: ' + rsize + KERNEL, rsize)
    mnt, nfsd = works(c, s, KERNEL + ', fragment: 10000B', READ + ', fragment: 32B' + KERNEL, 'fragments')
    c.equal(mnt['fragments_received'], 3 + 4 * 7 + 4, 'fragments of replies')
    c.check(nfsd['fragments_received'] > 2 * nfsd['rpc_received'], 'fragments of calls')
    exchange(c, s, 'fragments')
    for size in (0, 1, 65536, 65537):
        mnt, _ = s.run(KERNEL, READ + KERNEL, size=size)
        c.equal((mnt['state'], mnt['file_bytes_read']), ('done', size), 'a file of %d' % size)


# --- mounts that do not ---

def refusals(c, s):
    user = ', tls: {tx: %s, rx: %s}'
    for server, client, state, reason, transport, kw in (
            # nothing but TLS, and the server has none, or not for us
            ('', READ + KERNEL, 'refused', 'the server does not speak TLS: AUTH_REJECTEDCRED to the probe', 'clear', {}),
            (KERNEL + ', require_tls: true', READ, 'refused', 'getattr: AUTH_TOOWEAK', 'clear', {}),
            # "if it can't be done in the kernel, too bad"
            (KERNEL, READ + user % ('openssl', 'kernel'), 'refused',
             'the kernel does not encrypt: the scenario keeps these keys in userland', 'clear', {}),
            (KERNEL, READ + user % ('kernel', 'openssl'), 'refused',
             'the kernel does not decrypt: the scenario keeps these keys in userland', 'clear', {}),
            (KERNEL, READ + KERNEL, 'refused', 'the kernel does not encrypt: the kernel refused the keys, EOPNOTSUPP',
             'clear', {'client_enable': 0}),
            # the daemon
            (KERNEL, READ + KERNEL + ', daemon: {absent: true}', 'refused',
             'rpc.tlsclntd did not answer the upcall', 'clear', {}),
            (KERNEL, READ + KERNEL + ', daemon: {delay: 20s}', 'refused',
             'rpc.tlsclntd did not answer the upcall', 'clear', {}),
            (KERNEL, READ + KERNEL + ', daemon: {dies: handshake}', 'refused',
             'rpc.tlsclntd did not answer the upcall', 'clear', {}),
            (KERNEL, READ + KERNEL + ', daemon: {dies: mounted}', 'broken',
             'the daemon died, and its sockets were closed', 'kernel', {}),
            # the server closes in the handshake
            (KERNEL + ', daemon: {absent: true}', READ + KERNEL, 'refused',
             'the handshake failed: handshake: libssl: the peer closed', 'clear', {}),
            (KERNEL + ', daemon: {dies: handshake}', READ + KERNEL, 'refused',
             'the handshake failed: handshake: libssl: the peer closed', 'clear', {}),
            (user % ('kernel', 'openssl'), READ + KERNEL, 'refused',
             'the server closed the connection', 'kernel', {}),
            # and later
            (KERNEL + ', daemon: {dies: mounted}', READ + KERNEL, 'refused',
             'the server closed the connection', 'kernel', {})):
        what = '%s /%s' % (server, client)
        mnt, nfsd = s.run(server, client, **kw)
        c.equal((mnt['state'], mnt.get('reason'), mnt['transport']), (state, reason, transport), what)
        c.equal(mnt['file_bytes_read'], 0, what)
        text = open(os.path.join(s.out, 'report.txt')).read()
        c.check('mnt#0: %s: %s\n' % (state, reason) in text, what)


def daemons(c, s):
    """What the upcalls of each came to."""
    mnt, nfsd = s.run(KERNEL, READ + KERNEL + ', daemon: {absent: true}')
    c.equal((mnt['upcalls'], mnt['upcalls_failed'], mnt['handshake_ps']), (1, 1, 15 * 10**12), 'absent')
    c.equal(nfsd.get('reason'), 'rpc.tlsservd did not answer the upcall', 'its server waits as long')
    mnt, nfsd = s.run(KERNEL, READ + KERNEL + ', daemon: {absent: true, timeout: 3s}')
    c.equal(mnt['handshake_ps'], 3 * 10**12, 'timeout')
    c.equal(nfsd['state'], 'unfinished', 'the run ends before its server gives up')
    for keys in ((KERNEL, KERNEL + ', daemon: {delay: 5s}'), (KERNEL + ', daemon: {delay: 5s}', KERNEL)):
        mnt, nfsd = works(c, s, keys[0], READ + keys[1], 'slow %s' % (keys,))
        c.check(5 * 10**12 < max(mnt['handshake_ps'], nfsd['handshake_ps']) < 5.001 * 10**12, 'slow')
    # It comes when the kernel has given up, and finds no socket.
    mnt, _ = s.run(KERNEL, READ + KERNEL + ', connections: 2, interval: 2s, daemon: {delay: 1s, timeout: 100ms}')
    c.equal((mnt['state'], mnt['upcalls_late']), ('refused', 1), 'late')
    c.check('the daemon came too late' in open(os.path.join(s.out, 'report.txt')).read(), 'late, in words')
    # One that died is dead for all of its mounts, and for those to come.
    s.run(KERNEL, READ + KERNEL + ', connections: 3, interval: 1ms, daemon: {dies: mounted, timeout: 1s}')
    states = [(x['state'], x.get('reason')) for x in s.report['nfs']['mnt']['ends']]
    c.equal(states[0], ('broken', 'the daemon died, and its sockets were closed'), 'its own')
    c.equal({x[1] for x in states[1:]}, {'rpc.tlsclntd did not answer the upcall'}, 'the others')


def why(c, s):
    """Who stares at a mount that hangs is told whom it waits for."""
    for daemon, text in (('{delay: 5s}', 'has not come to it'), ('{absent: true}', 'nobody runs'),
                         ('{dies: handshake}', 'has died')):
        r = lib.run(s.sim, ['why', s.write(KERNEL, READ + KERNEL + ', daemon: ' + daemon), 'stalled', 'mnt#0@3s'],
                    cwd=s.d)
        c.check(re.search(r'the kernel of client asked rpc.tlsclntd to shake hands at \d+\.\d+ us, which %s; '
                          r'it gives up at 15 s' % text, r.stdout), r.stdout + r.stderr)
    r = lib.run(s.sim, ['why', s.write(KERNEL + ', daemon: {absent: true}', READ + KERNEL), 'stalled', 'mnt#0@3s'],
                cwd=s.d)
    c.check('the kernel of server asked rpc.tlsservd to shake hands' in r.stdout, r.stdout)
    # A call that was lost on the wire is what the mount waits for, not the server,
    # who has nothing to say.
    file = s.write(KERNEL, READ + ', readahead: 0' + KERNEL, loss=LOST_CALL)
    r = lib.run(s.sim, ['why', file, 'stalled', 'mnt#0'], cwd=s.d)
    c.check(re.search(r'\d+ bytes of client are sent and not acknowledged', r.stdout) and
            'nothing more to send' not in r.stdout, r.stdout + r.stderr)


def bytes_traced(c, s):
    """A byte of the probe went in clear; one of a READ's reply in a record."""
    s.run(KERNEL, READ + KERNEL)
    for byte, words in ((10, 'byte 10 of the TCP stream, in clear, in front of TLS'),
                        (5000, r'TLS record \d+ of its direction')):
        r = lib.run(s.sim, ['trace-byte', s.out, 'mnt#0:%d' % byte], cwd=s.d)
        c.check(re.search(words, r.stdout) and r.stdout.endswith('it was delivered\n') and
                'cannot be told' not in r.stdout, r.stdout + r.stderr)


def clear(c, s):
    """Where the scenario wants it, a server without TLS is spoken to in clear."""
    mnt, nfsd = works(c, s, '', READ + ', fallback: clear' + KERNEL, 'clear', transports=('clear', 'clear'))
    c.equal((mnt['probe'], nfsd['probe'], mnt['upcalls']), ('AUTH_REJECTEDCRED',) * 2 + (0,), 'clear')
    works(c, s, KERNEL, READ + ', fallback: clear' + KERNEL, 'one with TLS is not')
    works(c, s, KERNEL, READ, 'no TLS wanted, none required', transports=('clear', 'clear'))
    c.equal(s.report['nfs']['mnt']['ends'][0].get('probe'), None, 'no probe')


def alerts(c, s):
    for version in ('1.2', '1.3'):
        tls = ', tls: {version: "%s", tx: kernel, rx: kernel}' % version
        for name in ('basic', 'cx6dx', 'toe'):
            what = 'alerts, %s, %s' % (version, name)
            mnt, nfsd = works(c, s, tls + ', alert_every: 2', READ + ', alert_every: 3' + tls, what, card=CARDS[name])
            c.equal((mnt['alerts_handled'], nfsd['alerts_sent'], mnt['alerts_sent']), (3, 3, 2), what)
            c.equal(nfsd['alerts_handled'], 3, what + ': and close_notify')
            c.equal(mnt['records_discarded'], 2 if version == '1.3' else 0, what + ': tickets')
            exchange(c, s, what)
        # libssl never sees the data between them, and has enough at the fifth.
        mnt, nfsd = s.run(tls + ', alert_every: 1', READ + tls)
        c.equal((mnt['state'], mnt['upcalls_failed']), ('broken', 1), 'too many')
        c.check(mnt.get('reason', '').endswith('too many warn alerts'), mnt.get('reason'))


def bad_input(c, s):
    for marks, reason in (('too-long', 'record mark: the record is longer than 2 MiB'),
                          ('empty-fragments', 'record mark: an empty fragment that is not the last')):
        for tls in (KERNEL, ''):
            mnt, nfsd = s.run(tls, READ + ', marks: ' + marks + tls)
            c.equal((nfsd['state'], nfsd.get('reason'), nfsd['bad_messages']), ('broken', reason, 1), marks)
            c.equal((mnt['state'], mnt.get('reason')), ('broken', 'the server closed the connection'), marks)
            c.equal(mnt['file_bytes_read'], 0, marks)
    for tls in (KERNEL, ''):
        transport = 'kernel' if tls else 'clear'
        mnt, nfsd = works(c, s, tls, READ + ', half_close: true' + tls, 'half-closed',
                          transports=(transport, transport))
        c.equal(nfsd['alerts_handled'], 0, 'half-closed: no close_notify could follow')


def defects(c, s):
    for defect, invariant, server, client in (
            ('app.rpc-reads-any-record', 1, KERNEL + ', alert_every: 2', READ + KERNEL),
            ('app.upcall-without-reference', 6, KERNEL, READ + KERNEL + ', daemon: {absent: true}')):
        s.run(server, client, 4, ('--defect', defect))
        broken = [i['number'] for i in s.report['invariants'] if i.get('broken')]
        c.equal(broken, [invariant], defect)
    mnt, _ = s.run(KERNEL, READ + KERNEL, 0, ('--defect', 'app.upcall-without-reference'))
    c.equal(mnt['state'], 'done', 'a daemon that comes hides it')


# --- keys, claims, reports ---

def claims(c, s):
    s.run(KERNEL, READ + KERNEL, more='''expect:
  - delivered: {app: mnt, bytes: %dB}
  - report: {path: nfs.mnt.done, is: 1}
  - report: {path: "nfs.mnt.ends[0].procedures.read.calls", is: 5}
  - report: {path: "nfs.mnt.ends[*].procedures.read.p99_ps", max: 1000000000}
  - report: {path: "nfs.nfsd.ends[0].alerts_handled", is: 1}
''' % SIZE)
    s.run(KERNEL, READ + KERNEL, 1, more='expect: [{report: {path: nfs.mnt.refused, is: 1}}]\n')
    page = open(os.path.join(s.out, 'report.html')).read()
    part = page[page.index('<h3 id="nfs">'):]
    for cell in ('mnt#0', 'nfsd#0', 'STARTTLS', 'TLS in the kernel', 'getattr', 'p99'):
        c.check(cell in part[:part.index('</table>', part.index('</table>') + 1)], 'report.html: ' + cell)
    text = open(os.path.join(s.out, 'report.txt')).read()
    for line in ('  mnt#0: done\n', '    TLS in the kernel; answer to the probe: STARTTLS; the daemon\'s handshake took ',
                 '    read: 5 calls, p50 ', ' in 8 TLS records, received 8 RPC records (',
                 '    no data: 0 alerts given to the daemon, 2 records discarded (tickets), 0 alerts sent\n'):
        c.check(line in text, 'report.txt: ' + line)


def refused_keys(c, s):
    def told(text, server, client, **kw):
        r = lib.run(s.sim, ['check', s.write(server, client, **kw)])
        c.check(r.returncode == 2 and text in r.stderr, '%s: %s' % (text, r.stderr))
    for key, value in (('daemon', '{}'), ('fallback', 'refuse'), ('require_tls', 'true'), ('rsize', '1KiB'),
                       ('readahead', '1'), ('fragment', '9B'), ('alert_every', '1'), ('marks', 'right'),
                       ('half_close', 'true')):
        file = os.path.join(s.d, 'https.ktls.yaml')
        with open(file, 'w') as f:
            f.write((TEXT % dict(server='', client=READ + ', %s: %s' % (key, value), card='{}', size=SIZE,
                                 server_enable=1, client_enable=1, loss='0%', more='')).replace('nfs-', 'https-'))
        r = lib.run(s.sim, ['check', file])
        c.check(r.returncode == 2 and re.search('`%s` is a key of .*`nfs-' % key, r.stderr), r.stderr)
    for key, value in (('rsize', '1KiB'), ('readahead', '1'), ('marks', 'right'), ('half_close', 'true')):
        told('`%s` is a key of `nfs-client`: this is `nfs-server`' % key, ', %s: %s' % (key, value), READ)
    told('`require_tls` is a key of `nfs-server`: this is `nfs-client`', '', READ + ', require_tls: true')
    told('`nfsd` requires TLS and has none', ', require_tls: true', READ)
    told('`fallback: clear` is a client\'s', ', fallback: clear' + KERNEL, READ)
    told('there is nothing to fall back from', '', READ + ', fallback: daemon')
    told('its kernel calls no daemon', '', READ + ', daemon: {absent: true}')
    told('`alert_every` asks the kernel for an alert', '', READ + ', alert_every: 3')
    told('RPC in TLS wants version "1.3" (RFC 9289)', ', tls: {version: "1.0", suite: aes128-cbc-sha1}', READ)
    told('does not hold an RPC message of 65536 bytes', KERNEL, READ + ', sndbuf: 64KiB' + KERNEL)
    told('does not hold an RPC message of 65536 bytes', ', sndbuf: 20KiB' + KERNEL, READ + KERNEL)
    told('an NFS server here reads from its page cache only', KERNEL, ', path: /cold' + KERNEL)
    told('`rsize` goes from 512 B to 1 MiB', KERNEL, READ + ', rsize: 100B')
    told('wants the key `path`', KERNEL, '')
    told('has `path` and `upload`', KERNEL, READ + ', upload: /up')
    told('has no file `/nothing`', KERNEL, ', path: /nothing')


def not_live(c, s):
    file = s.write(KERNEL, READ + KERNEL)
    with open(file) as f:
        text = f.read()
    with open(file, 'w') as f:
        f.write(re.sub(r'  mnt: .*\n', '', text).replace('client.em0]', '"tap:ktls0"]'))
    r = lib.run(s.sim, ['check', file])
    c.check(r.returncode == 2 and 'an NFS server cannot serve a live link' in r.stderr, r.stderr)


def twice(c, s):
    keys = (KERNEL + ', alert_every: 2', READ + ', connections: 3, readahead: 5' + KERNEL)
    found = []
    for _ in range(2):
        s.run(*keys, loss='1%', card=CARDS['cx6dx'])
        found.append(lib.digest(s.out))
    c.check('wire.pcapng' in found[0] and 'report.html' in found[0], sorted(found[0]))
    c.equal(found[0], found[1], 'two runs')


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        s = Runs(c, sys.argv[1], d)
        for part in (same_as_in_clear, dissects, cards, openssl, many, refusals, daemons, why, bytes_traced, clear, alerts, bad_input,
                     defects, claims, refused_keys, not_live, twice):
            part(c, s)
    c.done()


main()
