#!/usr/bin/env python3
"""What tshark's TCP expert thinks of captures, against what the simulator did.

The capture is the sender's: every frame as it left. So the frames that repeat
sequence numbers (S: those whose comment says "rexmit") are what Wireshark must
find, and nothing else. It files each under one of these, never under two:

  retransmission        (R; fast_retransmission and spurious_retransmission are
                        kinds of it)
  out_of_order          (O) if it left less than the round trip of the handshake
                        (at least 3 ms) after the newest segment: Wireshark's
                        guess at a path that reorders. Here it is a retransmission,
                        and said to be one.
  keep_alive            (K) one byte below, without data or with one byte

Claimed of every frame: R + O = S, R and O have none in common, every O is as
close to the newest segment as that rule says, and K are exactly the probes of the
keepalive timer, none of which is in S."""
import os
import sys

import lib

WORLD = '''ktls_sim: 1
name: expert
seed: %(seed)d
until: 4000s
hosts:
  server:
    sysctl: {kern.ipc.tls.enable: 1%(server)s}
    nics: {mce0: {model: %(model)s}}
    addresses: {mce0: "%(net)s1/%(bits)d"}
    files: {/f: {size: %(size)s%(file)s}}
    disk_latency: %(disk)s
  client:
    sysctl: {kern.ipc.tls.enable: 1%(client)s}
    nics: {em0: {}}%(crypto)s
    addresses: {em0: "%(net)s2/%(bits)d"}
links:
  - {name: wan, ends: [server.mce0, client.em0], rate: 1Gbit/s, %(link)s}
apps:
  web: {type: https-server, host: server%(web)s%(tls)s}
  get: {type: https-client, host: client, server: web, path: /f, family: %(family)s%(get)s%(tls2)s}
'''
NO_SACK = ', net.inet.tcp.sack.enable: 0'
CARD = {'model': 'ideal', 'server': ', kern.ipc.tls.ifnet.permitted: 1, '
        'kern.ipc.tls.ifnet_max_rexmit_pct: 100'}
LOSS = 'delay: 5ms, loss: 2%'
REORDER = ('delay: 5ms, impair: [{name: detour, reorder: {chance: 3%, delay: 8ms}}, '
           '{name: twins, duplicate: 3%}]')
VARIANTS = {
    'software': {'link': LOSS},
    'software, IPv6, no SACK': {'link': LOSS, 'v6': True, 'client': NO_SACK},
    'card': {'link': LOSS, **CARD},
    'card, IPv6, no SACK': {'link': LOSS, 'v6': True, 'client': NO_SACK, **CARD},
    'reordered and doubled': {'link': REORDER},
    'reordered and doubled, card, no SACK':
        {'link': REORDER, 'client': NO_SACK, **CARD},
    'reordered and lost, IPv6': {'link': REORDER + ', loss: 1%', 'v6': True},
    'bursts both ways, plain, no timestamps':
        {'link': 'delay: 20ms, impair: [{bursts: {enter: 1%, leave: 30%}}]',
         'client': ', net.inet.tcp.rfc1323: 0', 'plain': True},
    'short way': {'link': 'delay: 50us, loss: 3%'},
    'bottleneck': {'link': 'delay: 5ms, impair: [{rate: {rate: 50Mbit/s, queue: 60kB}}]'},
    'openings and ends': {'link': 'delay: 5ms, impair: [{name: a, drop: {flags: syn, '
                          'first: 2}}, {name: b, drop: {flags: syn-ack}}, '
                          '{name: c, drop: {flags: fin, first: 2}}]', 'size': '20KiB'},
}


def run(c, sim, d, what, seed=1, **v):
    """The frames of a run: dicts of what tshark says of each."""
    tls = '' if v.get('plain') else ', tls: {handshake: synthetic%s}'
    v6 = v.get('v6')
    text = WORLD % {
        'seed': seed, 'model': 'basic', 'server': '', 'client': '', 'size': '300KiB',
        'file': '', 'disk': '80us', 'web': '', 'get': ', connections: 3', 'crypto': '',
        'net': 'fd00::' if v6 else '10.0.0.', 'bits': 64 if v6 else 24,
        'family': 'ipv6' if v6 else 'ipv4', 'tls': tls and tls % '',
        'tls2': tls and tls % ', tx: openssl', **v}
    f = os.path.join(d, 'expert.ktls.yaml')
    with open(f, 'w') as g:
        g.write(text)
    out = os.path.join(d, 'out')
    r, report = lib.run_out(sim, f, out)
    c.equal(r.returncode, 0, what + ': ' + r.stdout + r.stderr)
    return frames(os.path.join(out, 'wire.pcapng')), report


ANALYSIS = ('retransmission', 'fast_retransmission', 'spurious_retransmission',
            'out_of_order', 'keep_alive', 'keep_alive_ack', 'zero_window_probe',
            'zero_window_probe_ack', 'zero_window', 'window_update', 'initial_rtt')
FIELDS = ('frame.number', 'tcp.stream', 'tcp.srcport', 'frame.time_relative',
          'tcp.seq', 'tcp.len', 'tcp.flags.syn', 'tcp.flags.fin', 'tcp.window_size',
          'tcp.flags.reset', 'frame.comment')


def frames(path):
    args = []
    for x in FIELDS + tuple('tcp.analysis.' + x for x in ANALYSIS):
        args += ['-e', x]
    said = lib.tshark(path, '-Y', 'tcp', '-T', 'fields', *args)
    if said is None:
        lib.skip('no tshark')
    out = []
    for line in said.splitlines():
        x = dict(zip(FIELDS + ANALYSIS, line.split('\t')))
        out.append({
            'n': int(x['frame.number']), 'from': (x['tcp.stream'], x['tcp.srcport']),
            'at': float(x['frame.time_relative']), 'seq': int(x['tcp.seq']),
            'len': int(x['tcp.len']) + sum(x['tcp.flags.' + y] in ('1', 'True')
                                           for y in ('syn', 'fin')),
            'win': int(x['tcp.window_size']),
            'reset': x['tcp.flags.reset'] in ('1', 'True'), 'said': x['frame.comment'],
            'is': {y for y in ANALYSIS[:-1] if x[y]}, 'irtt': x['initial_rtt']})
    return out


def numbers(fs, *kinds):
    return {f['n'] for f in fs if f['is'] & set(kinds)}


def judge(c, what, fs):
    """The claims above; returns how many of each."""
    s = {f['n'] for f in fs if 'rexmit' in f['said']}
    r = numbers(fs, *ANALYSIS[:3])
    o = numbers(fs, 'out_of_order')
    k = numbers(fs, 'keep_alive')
    c.equal(sorted((r | o) ^ s), [], what + ': frames that one calls retransmission '
            'and the other does not')
    c.equal(sorted(r & o), [], what + ': filed twice')
    c.equal(sorted(k & s), [], what + ': a keepalive is no retransmission')
    newest, irtt = {}, {}
    for f in fs:
        me = f['from']
        irtt[me[0]] = max(irtt.get(me[0], 0.003), float(f['irtt'] or 0))
        end, at = newest.get(me, (-1, 0))
        if f['n'] in o:
            c.check(f['at'] - at <= irtt[me[0]] + 1e-6, '%s: frame %d is out of order '
                    '%.6f s behind the newest' % (what, f['n'], f['at'] - at))
        if f['len'] > 0 and f['seq'] + f['len'] > end:
            newest[me] = (f['seq'] + f['len'], f['at'])
    return len(s), len(r), len(o)


def lossy(c, sim, d):
    total = [0, 0, 0]
    kinds = set()
    for what, v in VARIANTS.items():
        fs, report = run(c, sim, d, what, **v)
        found = judge(c, what, fs)
        print('%s: %d frames, %d sent again, tshark: %d retransmissions, %d out of '
              'order' % ((what, len(fs)) + found))
        c.check(found[0] > 0, what + ': nothing was sent again')
        total = [a + b for a, b in zip(total, found)]
        for f in fs:
            kinds |= f['is']
    c.check(min(total) > 20, 'too little of something: %r' % total)
    for x in ANALYSIS[:3]:
        c.check(x in kinds, x + ': never')


def silence(c, sim, d):
    """The server waits 9 s for its disk, with keepalives after 2 s of silence; an
    answer begins the 2 s anew, so there are four."""
    fs, report = run(c, sim, d, 'keepalive', link='delay: 5ms', size='4KiB',
                     file=', cached: false', disk='9s', get='',
                     server=', net.inet.tcp.keepidle: 2000, net.inet.tcp.keepintvl: 1000')
    judge(c, 'keepalive', fs)
    sent = counter(report, 'server', 'net.inet.tcp.stats.keepprobe')
    probes = numbers(fs, 'keep_alive')
    print('keepalive: %d sent, tshark found %d' % (sent, len(probes)))
    c.equal(len(probes), sent, 'keepalives')
    c.equal(sent, 4, 'keepalives sent')
    c.equal(len(numbers(fs, 'keep_alive_ack')), sent, 'answers to keepalives')
    c.equal({f['from'][1] for f in fs if f['n'] in probes}, {'443'}, 'whose')


def window_probes(fs):
    """What the persist timer sent: bytes alone into a closed window, and what just
    fits into one that is smaller than a segment. The first Wireshark knows, but
    a probe that it knows does not move what it takes for the next sequence
    number. So where the receiver took one (FreeBSD's does, as long as there is
    room that is too little to tell) the one behind it is a segment like any
    other, and the one behind that is known again."""
    win, due, known, others = None, None, set(), set()
    for f in fs:
        if f['from'][1] != '443':
            win = f['win']
            continue
        if f['len'] == 0:
            continue
        if win == 0 and f['len'] == 1 and f['seq'] == due:
            known.add(f['n'])
            continue
        if (win == 0 and f['len'] == 1) or f['len'] == win < 1448:
            others.add(f['n'])
        due = f['seq'] + f['len']
    return known, others


def closed_window(c, sim, d):
    """The client's kernel decrypts, with an accelerator that takes a second for
    a record: they fill its buffer, the window closes, the server asks."""
    fs, report = run(c, sim, d, 'window', link='delay: 5ms', get=', rcvbuf: 20KiB',
                     tls2=', tls: {tx: openssl, rx: kernel, handshake: synthetic}',
                     crypto='\n    crypto: accel\n    accel: '
                     '{latency: 1s}', server=', net.inet.tcp.persmin: 100')
    judge(c, 'window', fs)
    zero, found = numbers(fs, 'zero_window'), numbers(fs, 'zero_window_probe')
    known, others = window_probes(fs)
    sent = counter(report, 'server', 'net.inet.tcp.stats.sndprobe')
    print('window: closed in %d frames, opened %d times, %d probes, tshark found %d' %
          (len(zero), len(numbers(fs, 'window_update')), sent, len(found)))
    c.equal(len(known) + len(others), sent, 'window probes')
    c.equal(found, known, 'window probes that tshark can know')
    c.check(known and others, 'known %d, others %d' % (len(known), len(others)))
    c.check(sent > 5, 'only %d window probes' % sent)
    c.equal(zero, {f['n'] for f in fs if f['win'] == 0 and not f['reset']},
            'windows of nothing')
    c.check(len(numbers(fs, 'window_update')) > 2, 'the window never opened')


def counter(report, host, name):
    return report['counters'][host].get(name, 0)


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        for part in (lossy, silence, closed_window):
            part(c, sys.argv[1], d)
    c.done()


main()
