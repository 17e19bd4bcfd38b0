#!/usr/bin/env python3
"""A crowd of HTTPS clients and its server: what the report says is what the
trace, the capture and a cache of our own say; arrivals are Poisson's, files
Zipf's; everybody who misbehaves gets the answer that is his due; kernel TLS on
one side, OpenSSL on the other, every card, TLS 1.2 beside 1.3."""
import collections
import json
import math
import os
import re
import sys

import lib

TEXT = '''ktls_sim: 1
name: crowd
hosts:
  edge:
    coarse_timestamps: true
    sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: 1}
    nics: {mce0: {model: %(card)s}}
    addresses: {mce0: 10.0.0.1/24}
    catalogue: {files: %(files)d, min: 1KiB, max: 64KiB, cached: %(cached)s}
    page_cache: %(cache)s
  crowd:
    sysctl: {kern.ipc.tls.enable: 1}
    nics: {em0: {}}
    addresses: {em0: 10.0.0.2/24}
links: [{ends: [edge.mce0, crowd.em0], rate: 10Gbit/s, delay: 1ms}]
apps:
  web: {type: https-server, host: edge%(server)s}
  people: {type: https-load, host: crowd, server: web%(client)s}
%(more)s'''
SERVER_TLS = ', tls: {version: "1.3", min_version: "1.2", tx: kernel}'
CLIENT_TLS = ', tls: {version: "1.3", rx: kernel}'


class Runs:
    def __init__(self, c, sim, d):
        self.c, self.sim, self.d = c, sim, d

    def run(self, client, server='', tls=(SERVER_TLS, CLIENT_TLS), code=0, options=(), **kw):
        what = {'card': 'basic', 'files': 50, 'cached': 'true', 'cache': '0B', 'more': ''}
        what.update(kw, server=server + tls[0], client=', ' + client + tls[1])
        file = os.path.join(self.d, 'crowd.ktls.yaml')
        with open(file, 'w') as f:
            f.write(TEXT % what)
        self.out = os.path.join(self.d, 'out')
        self.r, self.report = lib.run_out(self.sim, file, self.out, '--trace=http_answer,disk_read', *options)
        self.c.equal(self.r.returncode, code, client + ': ' + self.r.stdout[-2000:] + self.r.stderr)
        self.people = self.report['https']['clients']['people']
        self.web = self.report['https']['servers']['web']
        return self.people

    def answers(self):
        with open(os.path.join(self.out, 'trace.ndjson')) as f:
            return [x for x in map(json.loads, f) if x['point'] == 'http_answer']

    def wire(self):
        return os.path.join(self.out, 'wire.pcapng')


def percentile(values, share):
    """Of all values, sorted: the one at which the share is full."""
    values = sorted(values)
    return values[max(math.ceil(len(values) * share - 1e-9), 1) - 1]


def latencies(c, s, people):
    """The histogram against the values themselves: 1/128 too large at most."""
    answers = s.answers()
    c.equal(len(answers), people['answers'], 'answers in the trace')
    for name, field in (('first_byte_ns', 'first'), ('answer_ns', 'whole')):
        told = people[name]
        c.equal(told['count'], len(answers), name)
        for key, share in (('p50', .5), ('p90', .9), ('p99', .99), ('p999', .999), ('max', 1)):
            exact = percentile([x[field] for x in answers], share) // 1000
            c.check(exact <= told[key] <= exact + exact // 128 + 1, '%s %s: %d, %d' % (name, key, told[key], exact))
        c.equal(told['mean'], sum(x[field] for x in answers) // len(answers) // 1000, name + ' mean')
    end = max(x['ps'] for x in answers)
    first = min(x['start_ps'] for x in s.report['connections'])
    rate = len(answers) * 1e12 / (end - first)
    c.check(abs(people['requests_per_second'] / rate - 1) < 1e-3, 'rate: %s' % rate)


def adds_up(c, s):
    """Report, trace and what tshark finds in the capture."""
    people = s.run('connections: 60, arrivals: 3000, requests: 4, ranges: 30%, tls12: 30%, think: 500us')
    c.equal(people['requests'], 240, 'requests')
    c.equal(people['answers'], 240, 'answers')
    c.equal(people['connections'], {'arrived': 60, 'established': 60, 'done': 60, 'aborted': 0, 'unfinished': 0}, 'ends')
    c.equal(s.web['requests'], 240, 'requests that the server read')
    c.equal(sum(people['versions'].values()), 60, 'versions')
    c.check(8 <= people['versions']['tls12'] <= 28, str(people['versions']))
    c.equal(people['versions']['tls12'], sum(x['tls'] == 'TLS 1.2' for x in s.report['connections']), 'TLS 1.2')
    c.equal(people['bytes'], sum(x['len'] for x in s.answers()), 'bytes')
    c.equal(s.web['bytes'], people['bytes'], 'bytes of the server')
    latencies(c, s, people)
    statuses = collections.Counter(str(x['status']) for x in s.answers())
    c.equal({k: v for k, v in people['statuses'].items() if v}, dict(statuses), 'statuses')
    c.check(40 < statuses['206'] < 105, 'ranges: %s' % statuses)
    found = lib.tshark(s.wire(), '-Y', 'http', '-T', 'fields', '-e', 'http.request.method', '-e', 'http.response.code')
    if found is None:
        return
    words = collections.Counter(found.split())
    c.equal(words, collections.Counter(GET=240) + statuses, 'tshark')
    versions = lib.tshark(s.wire(), '-Y', 'tls.handshake.type == 2', '-T', 'fields', '-e',
                          'tls.handshake.extensions.supported_version')
    c.equal(versions.split('\n').count('0x0304'), people['versions']['tls13'], 'TLS 1.3 by tshark')


def all_of(pairs):
    """tshark says a key more than once."""
    o = {}
    for k, v in pairs:
        o.setdefault(k, []).append(v)
    return o


def find(o, key):
    """What stands under the key, wherever, in order."""
    for k, vs in o.items():
        for v in vs:
            if k == key:
                yield v
            elif isinstance(v, dict):
                yield from find(v, key)


def ranges(c, s):
    """The bytes of each part, as tshark takes them out of TLS, are the file's."""
    s.run('connections: 20, arrivals: 3000, requests: 3, ranges: 100%')
    answers = [(x['file'], x['off'], x['len']) for x in s.answers()]
    c.equal(len(answers), 60, 'parts')
    found = lib.tshark(s.wire(), '-Y', 'http.response.code == 206', '-T', 'json', '-x')
    if found is None:
        return
    parts = json.loads(found, object_pairs_hook=all_of)
    c.equal(len(parts), 60, 'parts by tshark')
    kinds = collections.Counter()
    for p in parts:
        uri = next(find(p, 'http.response_for.uri')).replace('https://web.sim', '')
        field = next(x for x in find(p, 'http.response.line') if x.startswith('Content-Range'))
        first, last, size = map(int, re.search(r'bytes (\d+)-(\d+)/(\d+)', field).groups())
        body = bytes.fromhex(next(find(p, 'http.file_data_raw'))[0])
        c.check(body == lib.file_bytes(uri, 1, size)[first:last + 1], 'part of %s' % uri)
        c.check((uri, first, last + 1 - first) in answers, 'no answer in the trace: %s %d' % (uri, first))
        kinds['start' if first == 0 else 'end' if last == size - 1 else 'middle'] += 1
    c.check(kinds['end'] > 10 and kinds['middle'] > 5, str(kinds))


def arrivals(c, s):
    """Exponential gaps: mean, deviation and median; the same in every run."""
    people = s.run('connections: 400, arrivals: 20000, duration: 15ms', cached='true')
    n = people['connections']['arrived']
    c.check(230 < n < 370, '300 expected, %d came' % n)
    starts = [x['start_ps'] for x in s.report['connections']]
    c.equal(starts, sorted(starts), 'in order')
    c.check(max(starts) < 15e9, 'none came later')
    gaps = [b - a for a, b in zip(starts, starts[1:])]
    mean = sum(gaps) / len(gaps)
    dev = math.sqrt(sum((g - mean) ** 2 for g in gaps) / len(gaps))
    c.check(40e6 < mean < 62e6, 'mean %s' % mean)
    c.check(0.8 < dev / mean < 1.25, 'deviation %s' % (dev / mean))
    c.check(0.55 < percentile(gaps, .5) / mean < 0.85, 'median %s' % (percentile(gaps, .5) / mean))
    s.run('connections: 400, arrivals: 20000, duration: 15ms, ranges: 20%, requests: 2')
    c.equal([x['start_ps'] for x in s.report['connections']], starts, 'whatever they do')
    s.run('connections: 400, arrivals: 20000, duration: 15ms', options=('--seed', '2'))
    c.check([x['start_ps'] for x in s.report['connections']] != starts, 'another seed')


def popularity(c, s):
    """Of n requests the k-th file gets n * k^-s / sum, give or take."""
    for zipf in ('1', '0'):
        s.run('connections: 50, arrivals: 5000, requests: 20, zipf: ' + zipf)
        got = collections.Counter(int(x['file'][5:]) for x in s.answers())
        weights = [k ** -float(zipf) for k in range(1, 51)]
        for k, weight in enumerate(weights, 1):
            want = 1000 * weight / sum(weights)
            c.check(abs(got[k] - want) < 4.5 * math.sqrt(want) + 1, 'zipf %s: file %d: %d, %d' % (zipf, k, got[k], want))


def cache(c, s):
    """One connection, one request at a time: an LRU of our own has the same
    hits and misses, page by page; also where the server reads by read(2)."""
    for tls in ((SERVER_TLS, CLIENT_TLS), (', tls: {tx: openssl}', CLIENT_TLS), ('', '')):
        s.run('connections: 1, requests: 400, ranges: 30%, zipf: 0.6', tls=tls, cache='256KiB', cached='false')
        lru, hits, misses, evicted = collections.OrderedDict(), 0, 0, 0
        for x in s.answers():
            for page in range(x['off'] // 4096, (x['off'] + x['len'] - 1) // 4096 + 1):
                key = x['file'], page
                if key in lru:
                    hits += 1
                    lru.move_to_end(key)
                    continue
                misses += 1
                if len(lru) == 64:
                    lru.popitem(last=False)
                    evicted += 1
                lru[key] = True
        told = s.web['page_cache']
        c.check(hits > 400 and evicted > 300, 'hits %d, evicted %d' % (hits, evicted))
        c.equal((told['hits'], told['misses'], told['joined'], told['evicted']), (hits, misses, 0, evicted), tls[0])
        c.equal(s.report['counters']['edge']['sim.vfs.disk_pages'], misses, 'pages read')
        c.equal(s.web['memory']['disk'], misses * 4096, 'bytes of the disk')
    s.run('connections: 1, requests: 50', cached='true')
    c.equal((s.web['page_cache']['misses'], s.web['page_cache']['size']), (0, 0), 'all is cached')


def sides(c, s):
    """Each side in the kernel with OpenSSL as its peer, and every card."""
    work = 'connections: 25, arrivals: 5000, requests: 3, pipeline: 2, ranges: 20%, tls12: 40%'
    both = {'tx': ('kernel', 'openssl'), 'rx': ('kernel', 'openssl')}
    for card in ('basic', 'ideal', 'cx6dx', 't6'):
        for tx in both['tx']:
            for rx in both['rx']:
                people = s.run(work, card=card, tls=(SERVER_TLS.replace('tx: kernel', 'tx: ' + tx),
                                                     CLIENT_TLS.replace('rx: kernel', 'rx: ' + rx)))
                what = '%s, server tx %s, client rx %s' % (card, tx, rx)
                c.equal((people['answers'], people['connections']['done']), (75, 25), what)
                memory(c, s, what)
                place = {m: people['offload'][m]['connections'] for m in ('user', 'software', 'card', 'toe')}
                old = people['versions']['tls12']
                want = {'user': 25} if tx == 'openssl' else {'software': 25} if card == 'basic' else \
                    {'card': old, 'software': 25 - old} if card == 't6' else {'card': 25}
                c.equal({k: v for k, v in place.items() if v}, want, what)
                c.equal({x['client_side']['rx_mode'] for x in s.report['connections']},
                        {'sw' if rx == 'kernel' else 'none'}, what)
                c.check(abs(people['offload']['share_of_connections'] - place['card'] / 25) < 1e-3, what)


def toe(c, s):
    """A T6 that owns TCP, too."""
    old = ', tls: {version: "1.2", tx: kernel, rx: kernel}', ', tls: {version: "1.2"}'
    people = s.run('connections: 25, arrivals: 5000, requests: 3, pipeline: 2, ranges: 20%',
                   card='t6, settings: {toe: 1}', tls=old)
    c.equal((people['answers'], people['connections']['done']), (75, 25), 'TOE')
    c.equal(people['offload']['toe'], {'connections': 25, 'bytes': people['bytes']}, 'TOE')
    c.equal(people['offload']['share_of_bytes'], 1, 'TOE')
    memory(c, s, 'TOE')


def memory(c, s, what):
    """The terms are those that the counters of host and card come to."""
    m, n = s.web['memory'], s.report['counters']['edge']
    c.equal(m['software_tls'], 2 * n.get('sim.tls.sw_tx_bytes', 0), what)
    c.equal(m['disk'], 4096 * n.get('sim.vfs.disk_pages', 0), what)
    c.equal(m['body'], s.people['bytes'], what)
    total = sum(m[k] for k in ('disk', 'software_tls', 'user_space', 'card'))
    c.check(abs(m['passes_per_byte'] - total / m['body']) < 2e-3, what)
    c.check(m['body'] <= m['card'] < 1.5 * m['body'], '%s: the card reads each byte: %s' % (what, m))
    user = s.people['offload']['user']['bytes']
    c.equal(m['user_space'], 6 * user, what)


def thread(c, s):
    """One thread: batches, waiting, and time that serving takes."""
    work = 'connections: 80, arrivals: 50000, requests: 3'
    fast = s.run(work, ', kqueue: {cost: 0us}')
    quick, loop = fast['answer_ns']['p99'], s.web['event_loop']
    c.equal(loop['busy_ns'], 0, 'no time')
    slow = s.run(work, ', kqueue: {batch: 4, cost: 100us}')
    loop = s.web['event_loop']
    c.equal(loop['busy_ns'], loop['events'] * 100000, 'each event takes its time')
    c.check(loop['batch_max'] == 4 and loop['waiting_max'] > 20, str(loop))
    c.check(loop['turns'] >= loop['events'] / 4 and loop['wakeups'] < loop['turns'], str(loop))
    c.check(slow['answer_ns']['p99'] > 3 * quick, '%s %s' % (slow['answer_ns'], quick))
    c.equal((slow['answers'], slow['connections']['done']), (240, 80), 'all are served')
    end = s.report['end_ps'] / 1000
    c.check(loop['busy_ns'] <= end, 'one thread is not busier than time goes by')
    s.run(work)
    c.check('event_loop' not in s.web, 'no thread, no loop')


def pipelines(c, s):
    """Answers come in order, whatever is outstanding."""
    times = {}
    for n in (1, 8):
        people = s.run('connections: 5, requests: 24, ranges: 30%%, pipeline: %d' % n)
        c.equal((people['answers'], people['connections']['done']), (120, 5), 'pipeline %d' % n)
        times[n] = people['seconds']
        found = lib.tshark(s.wire(), '-Y', 'http.request', '-T', 'fields', '-e', 'http.request.method')
        if found is not None:
            c.equal(len(re.findall('GET', found)), 120, 'pipeline %d by tshark' % n)
    c.check(times[8] < times[1] / 2, 'fewer round trips: %s' % times)


def failures(c, s):
    people = s.run('connections: 40, arrivals: 5000, requests: 3, half_closes: 100%')
    c.equal((people['answers'], people['connections']['done']), (120, 40), 'who has shut his half is answered')
    people = s.run('connections: 40, arrivals: 5000, requests: 3, half_closes: 100%', tls=('', ''))
    c.equal((people['answers'], people['connections']['done']), (120, 40), 'without TLS, too')
    people = s.run('connections: 20, arrivals: 5000, requests: 3, pipeline: 3, oversized: 100%')
    c.equal(people['statuses'], {'200': 40, '206': 0, '431': 20}, 'heads that are too long')
    c.equal(people['connections']['done'], 20, 'and nothing else happens')
    people = s.run('connections: 20, arrivals: 5000, early_data: 100%')
    c.equal((people['errors']['tls'], people['answers'], people['connections']['established']), (20, 0, 0), 'early data')
    failed = [f for f in s.report['facts'] if f['point'] == 'app_error']
    c.equal({(f['texts'][0], f['texts'][1], f.get('error')) for f in failed},
            {('web', 'handshake', 'EPROTO'), ('people', 'shakes hands', 'EPROTO')}, 'a clear error at both ends')
    people = s.run('connections: 30, arrivals: 5000, requests: 40, aborts: 100%, abort_after: 100KiB')
    c.equal(people['connections']['aborted'], 30, 'aborts')
    c.equal(sum(people['errors'].values()), 0, 'on purpose')
    quick = s.run('connections: 30, arrivals: 5000, requests: 2')['answer_ns']['p90']
    people = s.run('connections: 30, arrivals: 5000, requests: 2, slow_readers: 100%, read_rate: 2Mbit/s')
    c.equal((people['answers'], people['connections']['done']), (60, 30), 'slow readers')
    c.check(people['answer_ns']['p90'] > 10 * quick, 'they are slow')
    for x in s.answers():
        rate = x['len'] * 8e12 / (x['whole'] - x['first'] + 1)
        c.check(x['len'] < 8192 or rate < 2 * 2e6, 'no faster than they read: %s' % x)
    # A disk that fails: sendfile aborts the connection, read(2) says so.
    for tx in ('kernel', 'openssl'):
        people = s.run('connections: 5, arrivals: 5000', cached='false',
                       tls=(', tls: {tx: %s}' % tx, ', tls: {}'),
                       more='timeline: [{at: 0s, do: disk, on: edge, error: true}]\n')
        c.equal((people['errors']['reset'], people['answers']), (5, 0), 'disk, ' + tx)
        c.check(any(f['point'] == 'app_error' and f['texts'][0] == 'web' and f['error'] == 'EIO'
                    for f in s.report['facts']), 'disk, %s: %s' % (tx, s.report['facts']))
    people = s.run('connections: 5, arrivals: 5000', more='expect: [{report: {path: https.clients.people.errors.refused, is: 5}}]\n'
                   'timeline: [{at: 0s, do: link_down, on: edge.mce0}]\nuntil: 300s\n', code=1)
    c.equal((people['errors']['unreachable'], people['connections']['established']), (5, 0), 'nobody is there')


def same_again(c, s):
    """With everything: two runs are equal, byte by byte."""
    work = ('connections: 40, arrivals: 4000, requests: 4, pipeline: 2, think: 1ms, ranges: 20%, slow_readers: 20%, '
            'read_rate: 20Mbit/s, aborts: 10%, abort_after: 20KiB, half_closes: 20%, oversized: 10%, early_data: 5%, '
            'tls12: 40%')
    seen = []
    for options in ((), ('--threads', '2')):
        s.run(work, ', kqueue: {batch: 8, cost: 3us}', cache='256KiB', card='cx6dx', options=options)
        seen.append(lib.digest(s.out))
    c.equal(seen[0], seen[1], 'outputs')


def claims(c, s):
    path = '  - report: {path: https.%s}\n'
    s.run('connections: 10, requests: 2', more='expect:\n' + ''.join(path % x for x in (
        'clients.people.requests_per_second, min: 100', 'clients.people.answer_ns.p999, max: 1000000000',
        'clients.people.offload.share_of_bytes, max: 0', 'clients.people.connections.done, is: 10',
        'servers.web.page_cache.hit_ratio, is: 1', 'servers.web.memory.passes_per_byte, min: 3, max: 4',
        'clients.people.statuses.206, is: 0', 'clients.people.errors.reset, is: 0')))
    text = open(os.path.join(s.out, 'report.txt')).read()
    for words in ('people asks web: 10 connections (10 TLS 1.3): 10 done, 0 aborted by themselves',
                  '20 requests, 20 answers (20 of status 200)', 'requests per second', '99.9 % within',
                  'encrypted by cards: 0.0 % of the bytes; 10 connections by the kernel',
                  'passes for each byte of a body = 2.0', 'software TLS (reads and writes)', 'read by the card'):
        c.check(words in text, words + ' in ' + text[text.find('\nHTTPS'):][:1500])
    page = open(os.path.join(s.out, 'report.html')).read()
    for words in ('<h3 id="https">HTTPS</h3>', 'How long they waited', 'passes per byte'):
        c.check(words in page, words)


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        s = Runs(c, sys.argv[1], d)
        for part in (adds_up, ranges, arrivals, popularity, cache, sides, toe, thread, pipelines, failures, same_again,
                     claims):
            part(c, s)
    c.done()


main()
