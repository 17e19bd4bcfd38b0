#!/usr/bin/env python3
"""capture.dma: what the cards read and write, as stock tshark sees it with
contrib/ktls-sim-dma.lua."""
import os
import re
import struct
import sys
from decimal import Decimal

import lib

LUA = 'lua_script:' + os.path.join(lib.ROOT, 'contrib', 'ktls-sim-dma.lua')
EPOCH = 1700000000


def rows(path, *fields, where=None):
    """Those packets of a file, a list of texts each."""
    args = ['-X', LUA, '-T', 'fields', '-E', 'separator=|']
    for field in fields:
        args += ['-e', field]
    if where:
        args += ['-Y', where]
    return [line.split('|') for line in
            lib.tshark(path, *args).splitlines()]


def whole(c, sim, d):
    """Every work request and completion of every card, and only then."""
    off, on = os.path.join(d, 'off'), os.path.join(d, 'on')
    r, without = lib.run_out(sim, lib.scenario('failover'), off)
    c.equal(r.returncode, 0, r.stderr)
    r, report = lib.run_out(sim, lib.scenario('failover'), on, '--set',
                            'capture.dma=true')
    c.equal(r.returncode, 0, r.stderr)
    c.equal([x for x in os.listdir(off) if x.startswith('dma-')], [], 'not asked')
    c.equal(report, without, 'who looks changes nothing')
    a, b = lib.digest(off), lib.digest(on)
    c.equal(a['wire.pcapng'], b['wire.pcapng'], 'the wire with and without')
    files = sorted(x for x in b if x.startswith('dma-'))
    c.equal(files, ['dma-%s.pcapng' % x for x in
                    ('client-em0', 'client-em1', 'server-mce0',
                     'server-mce1')], 'a file for each card')
    for name in files:
        host, card = re.match(r'dma-(\w+)-(\w+)\.pcapng', name).groups()
        path = os.path.join(on, name)
        all_rows = rows(path, 'frame.time_epoch', 'ktlsdma.direction',
                        'ktlsdma.queue', 'ktlsdma.model_name', 'ktlsdma.len',
                        'frame.comment', 'ktlsdma.cqe.ci', 'frame.len',
                        'ktlsdma.gen.len', 'ktlsdma.version',
                        'frame.interface_name', 'frame.encap_type')
        c.equal({x[3] for x in all_rows}, {'ideal' if host == 'server' else
                                           'basic'}, name + ': model')
        c.equal({x[9] for x in all_rows}, {'1'}, name + ': version')
        c.equal({x[10] for x in all_rows}, {host + ':' + card},
                name + ': interface')
        c.equal({x[11] for x in all_rows}, {'45'}, name + ': USER0')
        for x in all_rows:
            c.check(int(x[7]) == int(x[4]) + 16, name + ': length')
            wanted = ('SEND, table of %s bytes' % x[8] if x[1] == '0' else
                      'queue %s: blocks below %s are done' % (x[2], x[6]))
            c.check(x[5] == wanted, '%s: %s, wanted %s' % (name, x[5], wanted))
        times = [Decimal(x[0]) for x in all_rows]
        c.equal(times, sorted(times), name + ': in order of time')
        wr = [x for x in all_rows if x[1] == '0']
        cqe = [x for x in all_rows if x[1] == '1']
        c.equal(len(wr) + len(cqe), len(all_rows), name + ': two directions')
        # Each work request of these models is one block, each is completed.
        c.equal([int(x[6]) for x in cqe], list(range(1, len(wr) + 1)),
                name + ': completions')
        # The counters froze at the end of the run; the file goes on.
        ctr = report['counters'][host]
        end = EPOCH + Decimal(report['end_ps'] // 1000) / 10 ** 9
        c.equal(64 * sum(Decimal(x[0]) <= end for x in cqe),
                ctr.get('dev.%s.dma_cqe' % card, 0), name + ': dma_cqe')
        c.equal(rows(path, 'frame.number', where='_ws.malformed || '
                     '_ws.lua.error || ktlsdma.bad_magic || ktlsdma.short || '
                     '_ws.expert.severity == "Error"'), [],
                name + ': malformed')
    # The next run into the folder leaves none of them.
    lib.run_out(sim, lib.scenario('quickstart'), on)
    c.equal([x for x in os.listdir(on) if x.startswith('dma-')], [], 'old files')


def told(c, sim, d):
    """The command says where they are."""
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'told'), '--set',
                      'capture.dma=true', lib.scenario('quickstart')])
    n = {card: int(k) for card, k in re.findall(
        r'/dma-([\w-]+)\.pcapng: (\d+) work requests and completions',
        r.stdout)}
    c.equal(sorted(n), ['client-em0', 'server-mce0'], r.stdout[-600:])
    for card, k in n.items():
        path = os.path.join(d, 'told', 'dma-%s.pcapng' % card)
        c.equal(len(rows(path, 'frame.number')), k, card)
    # The path to a file that cannot be written is said: exit code 3.
    os.remove(path)
    os.mkdir(path)
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'told'), '--set',
                      'capture.dma=true', lib.scenario('quickstart')])
    c.equal(r.returncode, 3, 'a folder in the way')


def queues(c, sim, d):
    """Flows go to several queues; interrupts are held back by tx_coalesce."""
    f = lib.edited('quickstart', d, ('expect:', 'x-expect:'), (
        'mce0: {model: basic, mtu: 1500}',
        'mce0: {model: basic, queues: 4, tx_coalesce: 50us}'))
    out = os.path.join(d, 'queues')
    r, _ = lib.run_out(sim, f, out, '--set', 'capture.dma=true', '--set',
                       'apps.get.connections=16')
    c.equal(r.returncode, 0, r.stderr)
    path = os.path.join(out, 'dma-server-mce0.pcapng')
    got = rows(path, 'frame.time_relative', 'ktlsdma.direction',
               'ktlsdma.queue', 'ktlsdma.cqe.queue')
    c.equal({x[2] for x in got}, {'0', '1', '2', '3'}, 'queues')
    c.check(all(x[2] == x[3] for x in got if x[1] == '1'), 'of completions')
    first = [float(next(x[0] for x in got if x[1] == k)) for k in '01']
    c.check(50e-6 <= first[1] - first[0] < 60e-6,
            'first completion %.6f s after the work request' %
            (first[1] - first[0]))


def cx6dx(c, sim, d):
    """The dissector reads ConnectX's work requests as its own decoder does."""
    f = lib.edited('failover', d, ('expect:', 'x-expect:'),
                   ('mce0: {model: ideal}', 'mce0: {model: cx6dx}'),
                   ('mce1: {model: ideal}', 'mce1: {model: cx6dx}'))
    out = os.path.join(d, 'cx6dx')
    r, _ = lib.run_out(sim, f, out, '--set', 'capture.dma=true')
    c.equal(r.returncode, 0, r.stderr)
    seen, bad = set(), []
    for card in ('mce0', 'mce1'):
        for info, index, ds, length, comment in rows(
                os.path.join(out, 'dma-server-%s.pcapng' % card),
                '_ws.col.Info', 'ktlsdma.mlx5.wqe_index', 'ktlsdma.mlx5.ds',
                'ktlsdma.len', 'frame.comment', where='ktlsdma.direction == 0'):
            name = re.search(r'request: (\w+)', info).group(1)
            if not comment.startswith('%s index %s ds %s' % (name, index, ds)):
                bad.append((info, comment))
            blocks = (int(ds) + 3) // 4
            if int(length) != 64 * blocks:
                bad.append((info, length))
            seen.add(re.sub(r'.*request: (.*), index.*', r'\1', info))
    c.equal(bad, [], 'what Lua and the model say')
    # Both cards set contexts up; the second reads a part again.
    c.check({'SEND', 'LSO', 'DUMP', 'UMR, TLS TIS static parameters',
             'SET_PSV, TLS TIS progress parameters'} <= seen, str(seen))


def packet(model, body, direction=0, length=None, magic=b'KDMA', version=1):
    return magic + struct.pack('>BBHHHI', version, direction, 5, model, 0,
                               len(body) if length is None else length) + body


def other_models(c, d):
    """Work requests as the cards have them, and headers that are none."""
    mlx = struct.pack('>IIII', 0x01002725, 0x00beef04, 8, 0) + bytes(48)
    send = struct.pack('>IIII', 0x0000280a, 0x00beef03, 8, 0) + bytes(48)
    odd = struct.pack('>IIII', 0x00002877, 0x00beef03, 8, 0) + bytes(48)
    fw = struct.pack('>II', 0x04000000, 0x00000104) + bytes(56)
    fw2 = struct.pack('>II', 0xee000000, 0x00000003) + bytes(56)
    cqe = struct.pack('>IIB', 5, 1234, 1) + bytes(55)
    packets = [packet(3, mlx), packet(3, send), packet(3, odd), packet(4, fw),
               packet(4, fw2), packet(9, b'abcd'), packet(3, cqe, 1),
               packet(3, b''), packet(3, b'\0'), packet(1, b'abcd', 0, 99),
               packet(1, b'abcd', magic=b'KDMB'), packet(1, b'', version=2),
               b'KDM']
    path = os.path.join(d, 'other.pcap')
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 65535, 147))
        for p in packets:
            f.write(struct.pack('<IIII', 0, 0, len(p), len(p)) + p)
    got = rows(path, 'ktlsdma.model_name', '_ws.col.Info',
               'ktlsdma.mlx5.opcode', 'ktlsdma.mlx5.opmod',
               'ktlsdma.mlx5.wqe_index', 'ktlsdma.mlx5.qpn',
               'ktlsdma.mlx5.ds', 'ktlsdma.fw.opcode', 'ktlsdma.fw.len16',
               'ktlsdma.cqe.ci', 'ktlsdma.cqe.error')
    none = [''] * 9
    c.equal(got[0], ['cx6dx', 'queue 5  Work request: UMR, TLS TIS static '
                     'parameters, index 39, ds 4', '0x25', '0x01', '39',
                     '0x00beef', '4', '', '', '', ''], 'UMR')
    c.equal(got[1][1:3], ['queue 5  Work request: SEND, index 40, ds 3', '0x0a'],
            'SEND')
    c.equal(got[2][1], 'queue 5  Work request: opcode 0x77, index 40, ds 3',
            'an unknown opcode')
    c.equal(got[3], ['t6', 'queue 5  Work request: ULPTX_WR, 64 bytes', '', '',
                     '', '', '', '0x04', '4', '', ''], 'ULPTX_WR')
    c.equal(got[4][1], 'queue 5  Work request: opcode 0xee, 48 bytes', 'fw')
    c.equal(got[5], ['unknown', 'queue 5  Work request'] + none, 'no model')
    c.equal(got[6][9:], ['1234', '1'], 'completion')
    c.equal(got[6][1], 'queue 5  Completion: blocks below 1234 are done, the '
            'queue is stopped', 'completion')
    c.equal(rows(path, 'frame.number', where='ktlsdma.short'), [['10']],
            'fewer bytes than said')
    c.equal(rows(path, 'frame.number', where='ktlsdma.bad_magic'),
            [['11'], ['12'], ['13']], 'no header')
    c.equal(rows(path, 'frame.number', where='_ws.lua.error'), [],
            'errors of the script')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    with lib.tmpdir() as d:
        whole(c, sim, d)
        told(c, sim, d)
        queues(c, sim, d)
        cx6dx(c, sim, d)
        other_models(c, d)
    c.done()


main()
