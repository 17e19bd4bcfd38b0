#!/usr/bin/env python3
"""Claims of every kind: each is met where it is true and fails where it is
not, and a failed one says what made it so: the first event, and frames of the
capture that show it. The numbers are recomputed from the trace and by tshark."""
import json
import os
import sys

import lib

TEXT = '''ktls_sim: 1
name: claims
hosts:
  server:
    sysctl: {kern.ipc.tls.enable: 1}
    nics: {mce0: {}}
    addresses: {mce0: 10.0.0.1/24}
    files: {/f: {size: 1MiB}}
  client: {nics: {em0: {}}, addresses: {em0: 10.0.0.2/24}}
links: [{name: wan, ends: [server.mce0, client.em0], loss: 1%}]
apps:
  web: {type: https-server, host: server, tls: {version: 1.3}}
  get: {type: https-client, host: client, server: web, path: /f, tls: {version: 1.3}}
'''
REXMIT = '{name: tcp_rexmit, host: server, where: {len: ">= 1000"}'


def run(c, sim, d, claims, code, *options):
    """The claims' results; the run's exit code is checked."""
    file = os.path.join(d, 'claims.ktls.yaml')
    with open(file, 'w') as f:
        f.write(TEXT + 'expect:\n' + ''.join('  - %s\n' % x for x in claims))
    r, report = lib.run_out(sim, file, os.path.join(d, 'out'), *options)
    c.equal(r.returncode, code, r.stderr + str([x['claim'] for x in report['expectations'] if not x['met']] if report else ''))
    return report['expectations'] if report else [], r


def truth(c, sim, d):
    """What the trace and tshark say of the run."""
    run(c, sim, d, ['time: {app: get, max: 10s}'], 0, '--trace')
    with open(os.path.join(d, 'out', 'trace.ndjson')) as f:
        recs = [json.loads(x) for x in f]
    rexmits = [x for x in recs if x['point'] == 'tcp_rexmit' and x['len'] >= 1000]
    drops = [x for x in recs if x['point'] == 'wire_drop']
    c.check(len(rexmits) > 3 and len(drops) > 3, 'the run loses something')
    with open(os.path.join(d, 'out', 'report.json')) as f:
        report = json.load(f)
    reads = [x for x in recs if x['point'] == 'app_read' and x['app'] == 'get']
    return rexmits, drops, reads, report


def both_ways(c, sim, d, rexmits, drops, report):
    """True and false claims of each kind."""
    n, m = len(rexmits), len(drops)
    rto = report['connections'][0]['server_side']['timeouts']
    done = report['connections'][0]['end_ps']
    first = rexmits[0]['ps']
    right = [
        'event: {name: tls_mode, where: {dir: tx, mode: sw}}',
        'event: %s, is: %d}' % (REXMIT, n),
        'event: %s, before: %dps, max: 0}' % (REXMIT, first),
        'event: %s, after: %dps, is: %d}' % (REXMIT, first + 1, n - 1),
        'event: {name: app_error, where: {error: EPIPE}, max: 0}',
        # An application's are its host's.
        'event: {name: app_read, host: client, where: {app: get}, min: 1}',
        'event: {name: app_read, host: server, where: {app: get}, max: 0}',
        'order: {events: [{name: tls_enable}, {name: tls_mode}, {name: tcp_rexmit}]}',
        'drops: {reason: "link: *", where: wan, is: %d}' % m,
        'drops: {where: "server.mce0 - *", min: %d}' % m,
        'frames: {filter: "tcp[tcpflags] & tcp-syn != 0", is: 2}',
        'frames: {comment: "*dropped: *", is: %d}' % m,
        'frames: {filter: "ip6", max: 0}',
        'gap: {app: get, min: 1us, max: 10s}',
        'report: {path: "connections[0].server_side.timeouts", is: %d}' % rto,
        'report: {path: "connections[*].body_bytes", is: 1048576}',
        'report: {path: "invariants[*].on", min: 1}',
        'time: {app: get, is: %dps}' % done,
        'delivered: {app: get, min: 1MiB, max: 1MiB}',
        'delivered: {app: get, bytes: 0B, at: 1ns}',
        'delivered: {app: get, min: 1B, max: 1048575B, at: %dps}' % (done - 10 ** 9),
        'mode: {app: web, is: sw, connection: 0}',
        'time: {app: get, min: %dps, max: %dps}' % (done, done),
    ]
    found, _ = run(c, sim, d, right, 0)
    c.equal([x['claim'] for x in found if not x['met']], [], 'true claims')
    wrong = [
        'event: {name: tls_mode, where: {dir: tx, mode: ifnet}}',
        'event: %s, max: 2}' % REXMIT,
        'event: {name: tcp_rexmit, host: client}',
        'order: {events: [{name: tcp_rexmit}, {name: tls_enable}]}',
        'order: {events: [{name: tls_enable}, {name: tcp_drop}]}',
        'drops: {where: wan, max: 1}',
        'drops: {reason: nothing like it, min: 1}',
        'frames: {filter: "tcp port 443", comment: "*rexmit*", max: 1}',
        'gap: {app: get, max: 1us}',
        'report: {path: "connections[0].server_side.timeouts", min: %d}' % (rto + 1),
        'report: {path: "connections[3].server_side.timeouts", is: 0}',
        'report: {path: nonsense, is: 0}',
        'report: {path: name, is: 0}',
        'time: {app: get, min: %dps}' % (done + 1),
        'time: {app: get, is: %dps}' % (done - 1),
        'counter: {host: server, name: net.inet.tcp.stats.sndrexmitpack, max: 1}',
        'mode: {app: web, is: ifnet}',
        'delivered: {app: get, bytes: 2MiB}',
        'error: {app: get, is: EPIPE}',
        'delivered: {app: get, max: 1000B}',
        'delivered: {app: get, min: 1MiB, at: 1us}',
        'mode: {app: web, is: ifnet, connection: 0}',
    ]
    found, r = run(c, sim, d, wrong, 1)
    c.equal([x['claim'] for x in found if x['met']], [], 'false claims')
    c.equal(len(found), len(wrong), 'claims')
    return found


def evidence(c, found, rexmits, drops, reads, d):
    """What a failed claim points at."""
    by = {x['claim']: x for x in found}
    x = by['server tcp_rexmit (len=>= 1000), at most 2']
    c.equal((x['found'], x['first_ps']), (str(len(rexmits)), rexmits[2]['ps']), 'the third is too many')
    c.check(x['first'] == 'server tcp_rexmit conn=%d seq=%d len=%d reason=%s' %
            tuple(rexmits[2][k] for k in ('conn', 'seq', 'len', 'reason')), x['first'])
    x = by['drops at wan, at most 1']
    c.equal((x['first_ps'], x['frames']), (drops[1]['ps'], [drops[1]['frame']]), 'the second drop')
    x = by['server net.inet.tcp.stats.sndrexmitpack is at most 1']
    c.check('it became 2 in the event "' in x['first'] and '""' not in x['first'], x['first'])
    c.equal(x['first_ps'], rexmits[1]['ps'], 'when the counter went beyond')
    x = by['get receives at least 1048576 body bytes by 1 us']
    c.equal((x['found'], x['first'], x['first_ps']), ('0 bytes', 'get#0 has read nothing: connects', 10 ** 6),
            'at an instant')
    x = by['get receives 2097152 body bytes']
    c.equal((x['first'], x['first_ps']), ('get#0 reads the last bytes that come', reads[-1]['ps']), 'too few')
    c.check(x['frames'] and x['frames'][0] > 100, str(x))
    x = by['get receives at most 1000 body bytes']
    c.check('it became ' in x['first'] and x['first_ps'] in [r['ps'] for r in reads[:-1]], str(x))
    for x in found:
        # What never was, nothing made so.
        if x['kind'] in ('delivered', 'tcp_info', 'mode', 'time', 'error', 'gap') or \
                (x['kind'] == 'report' and x['found'].isdigit()):
            c.check(x.get('first') and x.get('first_ps'), 'nothing to point at: %s' % x)
    x = by['web tx mode is ifnet']
    c.check(x['first'].startswith('web#0: tx sw: kern.ipc.tls.ifnet.permitted is 0'), x['first'])
    x = by['frames "tcp port 443" with comment "*rexmit*", at most 1']
    shark = lib.tshark(os.path.join(d, 'out', 'wire.pcapng'), '-Y', 'frame.comment contains "rexmit"',
                       '-T', 'fields', '-e', 'frame.number')
    if shark is not None:
        c.equal(x['frames'], [int(n) for n in shark.split()][1:9], "tshark's retransmissions")
    x = by['tcp_rexmit, then tls_enable']
    c.check(len(x['frames']) == 2, str(x))
    c.equal(by['report connections[3].server_side.timeouts is 0']['found'], 'the list is shorter', 'list')
    c.equal(by['report name is 0']['found'], 'it is not a number', 'text')


def refused(c, sim, d):
    """Mistakes that show when the world is built."""
    _, r = run(c, sim, d, ['frames: {filter: "tcp prot 3", max: 1}'], 2)
    c.check("15:22: error: `tcp prot 3` is no filter of libpcap: " in r.stderr, r.stderr)
    # Neither /etc/services nor a name server has a say.
    for expr in ('tcp port https', 'host localhost', 'ip proto ospf'):
        _, r = run(c, sim, d, ['frames: {filter: "%s", max: 1}' % expr], 2)
        c.check('`%s` is no word of pcap-filter(7)' % expr.split()[-1] in r.stderr, r.stderr)
    for expr in ('host 10.0.0.1 and tcp[13] & 2 != 0', 'ether host 02:00:00:00:01:01', 'ip6 host fd00::1',
                 'portrange 1-20 or icmp[icmptype] == icmp-echo', 'net 10.0.0.0/8 and not less 0x20'):
        run(c, sim, d, ["frames: {filter: '%s', min: 0}" % expr], 0)


def one_of_two(c, sim, d):
    """Claims on one connection of several: one is aborted, the other not."""
    file = os.path.join(d, 'two.ktls.yaml')
    with open(file, 'w') as f:
        f.write(TEXT.replace('path: /f,', 'path: /f, connections: 2,') + '''timeline:
  - {when: "delivered(get) >= 100KiB", do: abort, on: get, connection: 1}
expect:
  - error: {app: get, is: ECONNABORTED, connection: 1}
  - error: {app: get, is: ECONNABORTED, connection: 0}
  - error: {app: get, is: ECONNABORTED}
  - mode: {app: web, is: sw, connection: 1}
  - delivered: {app: get, min: 2MiB}
''')
    _, report = lib.run_out(sim, file, os.path.join(d, 'two'))
    c.equal([x['met'] for x in report['expectations']], [True, False, False, True, False], report['expectations'])
    c.equal(report['expectations'][1]['claim'], 'get#0 fails with ECONNABORTED', 'words')
    c.check(report['expectations'][4].get('first', '').startswith('get#1: '), report['expectations'][4])


def places(c, sim, d):
    """A card's drops by its host and name, which the other card has not."""
    file = os.path.join(d, 'places.ktls.yaml')
    with open(file, 'w') as f:
        f.write(TEXT + '''timeline:
  - {at: 800us, do: link_down, on: wan}
  - {at: 900ms, do: link_up, on: wan}
expect:
  - drops: {where: client.em0, min: 1}
  - drops: {where: em0, min: 1}
  - drops: {where: server.mce0, max: 0}
  - drops: {where: "client.e*", min: 1}
''')
    r, report = lib.run_out(sim, file, os.path.join(d, 'places'), '--trace')
    c.equal(r.returncode, 0, r.stderr)
    with open(os.path.join(d, 'places', 'trace.ndjson')) as f:
        dropped = [x for x in map(json.loads, f) if x['point'] == 'nic_drop']
    c.check(dropped and all((x['at'], x['ifp']) == ('client', 'em0') for x in dropped), dropped[:3])
    c.equal(report['expectations'][0]['found'], str(len(dropped)), 'client.em0')


def digits(c, sim, d, done):
    """What fails by a picosecond is told with all digits."""
    found, _ = run(c, sim, d, ['time: {app: get, max: %dps}' % (done - 1)], 1)

    def exact(ps):
        return ('%d.%012d' % divmod(ps, 10 ** 12)).rstrip('0') + ' s' if ps >= 10 ** 12 else \
            ('%d.%09d' % divmod(ps, 10 ** 9)).rstrip('0') + ' ms'
    c.equal((found[0]['claim'], found[0]['found']), ('get is done by ' + exact(done - 1), exact(done)), 'digits')


def broken_off(c, sim, d):
    """A run that breaks off tells which claims it did not judge."""
    out = os.path.join(d, 'out')
    file = os.path.join(d, 'off.ktls.yaml')
    with open(file, 'w') as f:
        f.write(TEXT + '''timeline:
  - {when: "delivered(get) >= 2MiB", do: abort, on: get, must: true}
expect:
  - {name: all, delivered: {app: get, bytes: 1MiB}}
  - order: {events: [{name: tls_enable}, {name: tcp_rexmit}]}
''')
    r, report = lib.run_out(sim, file, out, '--defect', 'kern.sbready-early')
    c.equal(r.returncode, 4, r.stderr)
    c.equal([(x['claim'], x['found'], x['met'], x['line']) for x in report['expectations']],
            [('get receives 1048576 body bytes', None, False, 17), ('tls_enable, then tcp_rexmit', None, False, 18),
             ('abort on get when delivered(get) >= 2MiB', None, False, 15)], 'report.json')
    with open(os.path.join(out, 'report.txt')) as f:
        c.check('  not judged all: get receives 1048576 body bytes: the run broke off (line 17)\n' in f.read(), 'text')
    with open(os.path.join(out, 'report.html')) as f:
        page = f.read()
    c.check('all: get receives 1048576 body bytes' in page and 'line 0' not in page, 'report.html')


def looking_changes_nothing(c, sim, d):
    """The same capture with claims that look at everything, and without."""
    digests = []
    for claims in (['time: {app: get, max: 10s}'],
                   ['frames: {filter: "tcp", comment: "*", min: 1}', 'event: {name: so_ready}',
                    'counter: {host: server, name: net.inet.tcp.stats.sndtotal, max: 100000}']):
        run(c, sim, d, claims, 0)
        digests.append(lib.digest(os.path.join(d, 'out'))['wire.pcapng'])
    c.equal(digests[0], digests[1], 'wire.pcapng')


def main():
    c = lib.Checks()
    sim = sys.argv[1]
    with lib.tmpdir() as d:
        rexmits, drops, reads, report = truth(c, sim, d)
        found = both_ways(c, sim, d, rexmits, drops, report)
        evidence(c, found, rexmits, drops, reads, d)
        refused(c, sim, d)
        one_of_two(c, sim, d)
        places(c, sim, d)
        digits(c, sim, d, report['connections'][0]['end_ps'])
        broken_off(c, sim, d)
        looking_changes_nothing(c, sim, d)
    c.done()


main()
