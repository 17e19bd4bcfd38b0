#!/usr/bin/env python3
"""1 % of the frames lost by the simulated link, both ways, in both modes: what
arrives is the file. Then many clients at once."""
import concurrent.futures
import os
import shutil
import sys

import lib
import live


def lossy(c, sim, d, mode):
    f = live.scenario(d, ('delay: 50us}', 'delay: 50us, loss: 1%}'))
    up = os.path.join(d, 'up')
    live.random_file(up, 2000000)
    with live.Session(sim, f, d, '--set', 'hosts.server.sysctl.kern.ipc.tls.'
                      'ifnet.permitted=%d' % (mode == 'ifnet')) as s:
        for port in ('443', '8443'):
            url = 'https://10.77.0.1:' + port
            c.equal(s.get(url + '/small.bin', 'down'),
                    live.file_sha('/small.bin', 1 << 20), mode + ' ' + url)
            c.equal(s.put(url + '/up', up), live.answer(up), mode + ' upload')
        lost = sum(link[way]['lost'] for link in s.status()['links']
                   for way in ('there', 'back'))
        c.check(lost > 10, 'only %d frames were lost' % lost)
        r = live.ended_well(c, s, 'loss ' + mode)
        c.equal(live.modes(r), {mode}, 'modes under loss')
        c.check(any(n['server_side']['retransmitted_packets'] > 0
                    for n in r['connections']), 'nothing was sent again')


def many(c, sim, d):
    f = live.scenario(d)
    up = os.path.join(d, 'up')
    live.random_file(up, 300000)
    wanted = live.file_sha('/small.bin', 1 << 20)
    with live.Session(sim, f, d) as s, \
            concurrent.futures.ThreadPoolExecutor(12) as pool:
        downs = [pool.submit(s.get, 'https://10.77.0.1:%d/small.bin' %
                             (443, 8443)[i % 2], 'down%d' % i)
                 for i in range(12)]
        ups = [pool.submit(s.put, 'https://10.77.0.1:%d/up' %
                           (443, 8443)[i % 2], up) for i in range(12)]
        for job in downs:
            c.equal(job.result(), wanted, 'many: download')
        for job in ups:
            c.equal(job.result(), live.answer(up), 'many: upload')
        if shutil.which('wrk'):
            r = s.run(['wrk', '-t1', '-c24', '-d2s', '--timeout', '60s',
                       'https://10.77.0.1/hello.txt'], text=True)
            c.equal(r.returncode, 0, 'wrk: ' + r.stderr)
            c.check('Non-2xx' not in r.stdout, 'wrk: ' + r.stdout)
            words = r.stdout.split()
            c.check(int(words[words.index('requests') - 1]) > 24,
                    'wrk: ' + r.stdout)
        r = live.ended_well(c, s, 'many')
        c.check(len(r['connections']) >= 24, 'many: connections')


def main():
    sim = sys.argv[1]
    live.need()
    c = lib.Checks()
    with lib.tmpdir() as d:
        lossy(c, sim, d, 'sw')
        lossy(c, sim, d, 'ifnet')
        many(c, sim, d)
    c.done()


main()
