#!/usr/bin/env python3
"""docs/scenario.md is the key table; README names every scenario and every
command; the defects table of docs/architecture.md is the catalogue."""
import glob
import os
import re
import sys

import lib


SINCE_0_2 = ['apps.NAME.only', 'defaults', 'defaults.app', 'defaults.host', 'defaults.link', 'defaults.nic',
             'exhibit', 'exhibit.caught_by', 'exhibit.defects', 'exhibit.id', 'exhibit.links', 'exhibit.title',
             'expect[].name', 'expect[].only', 'include', 'links[].only', 'matrix', 'matrix.axes', 'matrix.exclude',
             'matrix.strength', 'parameters', 'repeat', 'tags', 'timeline[].only',
             'apps.NAME.header', 'apps.NAME.pacing_rate', 'apps.NAME.requests',
             'apps.NAME.tls.spoil', 'apps.NAME.tls.spoil.how',
             'apps.NAME.tls.spoil.record', 'apps.NAME.upload',
             'checks', 'checks.records',
             'expect[].error', 'expect[].error.app', 'expect[].error.is',
             'expect[].tcp_info', 'expect[].tcp_info.app',
             'expect[].tcp_info.at', 'expect[].tcp_info.connection',
             'expect[].tcp_info.field', 'expect[].tcp_info.is',
             'expect[].tcp_info.max', 'expect[].tcp_info.min',
             'capture.tcp_info', 'capture.timeline', 'hosts.NAME.initial_seq',
             'hosts.NAME.coarse_timestamps',
             'hosts.NAME.vlans', 'hosts.NAME.vlans.NAME.rxtls',
             'hosts.NAME.vlans.NAME.vlan', 'hosts.NAME.vlans.NAME.vlandev',
             'timeline[].args', 'timeline[].every', 'capture.ports',
             'hosts.NAME.laggs.NAME.use_flowid',
             'hosts.NAME.laggs.NAME.flowid_shift',
             'hosts.NAME.laggs.NAME.lagghash',
             'hosts.NAME.laggs.NAME.rr_limit',
             'hosts.NAME.laggs.NAME.use_numa',
             'hosts.NAME.laggs.NAME.lacp_strict',
             'hosts.NAME.laggs.NAME.lacp_fast_timeout',
             'hosts.NAME.accel', 'hosts.NAME.accel.depth',
             'hosts.NAME.accel.engines', 'hosts.NAME.accel.fail_op',
             'hosts.NAME.accel.latency', 'hosts.NAME.accel.rate',
             'hosts.NAME.completion', 'hosts.NAME.completion_window',
             'hosts.NAME.crypto', 'hosts.NAME.direct_map',
             'hosts.NAME.disk_jitter', 'hosts.NAME.fail_alloc',
             'hosts.NAME.files.NAME.bad_page',
             'hosts.NAME.fragmented_memory', 'hosts.NAME.kern_tls',
             'hosts.NAME.nics.NAME.lro', 'hosts.NAME.nics.NAME.numa_domain',
             'hosts.NAME.nics.NAME.bus', 'hosts.NAME.nics.NAME.pcie',
             'hosts.NAME.nics.NAME.queues', 'hosts.NAME.nics.NAME.settings',
             'hosts.NAME.nics.NAME.tx_coalesce', 'capture.dma',
             'timeline[].order', 'timeline[].for', 'timeline[].count',
             'hosts.NAME.nics.NAME.rx_coalesce', 'hosts.NAME.numa_domains',
             'links[].back', 'links[].back.delay', 'links[].back.jitter',
             'links[].back.loss', 'links[].back.queue', 'links[].back.rate',
             'links[].impair', 'links[].impair[].bursts',
             'links[].impair[].bursts.bad', 'links[].impair[].bursts.enter',
             'links[].impair[].bursts.good',
             'links[].impair[].bursts.leave', 'links[].impair[].corrupt',
             'links[].impair[].corrupt.app_record',
             'links[].impair[].corrupt.chance',
             'links[].impair[].corrupt.checksum',
             'links[].impair[].corrupt.count',
             'links[].impair[].corrupt.data',
             'links[].impair[].corrupt.first',
             'links[].impair[].corrupt.flags',
             'links[].impair[].corrupt.flow',
             'links[].impair[].corrupt.mask',
             'links[].impair[].corrupt.record',
             'links[].impair[].corrupt.segment',
             'links[].impair[].corrupt.where',
             'links[].impair[].corrupt.whose', 'links[].impair[].delay',
             'links[].impair[].drop', 'links[].impair[].drop.app_record',
             'links[].impair[].drop.count', 'links[].impair[].drop.data',
             'links[].impair[].drop.first', 'links[].impair[].drop.flags',
             'links[].impair[].drop.flow', 'links[].impair[].drop.mask',
             'links[].impair[].drop.record',
             'links[].impair[].drop.segment', 'links[].impair[].drop.whose',
             'links[].impair[].duplicate', 'links[].impair[].enabled',
             'links[].impair[].from', 'links[].impair[].jitter',
             'links[].impair[].jitter.keep_order',
             'links[].impair[].jitter.up_to', 'links[].impair[].loss',
             'links[].impair[].mtu', 'links[].impair[].mtu.icmp',
             'links[].impair[].mtu.router', 'links[].impair[].mtu.size',
             'links[].impair[].name', 'links[].impair[].rate',
             'links[].impair[].rate.packets', 'links[].impair[].rate.queue',
             'links[].impair[].rate.rate', 'links[].impair[].rate.red',
             'links[].impair[].rate.red.chance',
             'links[].impair[].rate.red.ecn',
             'links[].impair[].rate.red.max',
             'links[].impair[].rate.red.min', 'links[].impair[].reorder',
             'links[].impair[].reorder.chance',
             'links[].impair[].reorder.delay',
             'links[].impair[].reorder.every', 'links[].jitter',
             'links[].name', 'links[].preset', 'switches',
             'switches.NAME.laggs',
             'switches.NAME.laggs.NAME.lacp_fast_timeout',
             'switches.NAME.laggs.NAME.ports',
             'switches.NAME.laggs.NAME.proto',
             'switches.NAME.latency', 'switches.NAME.ports',
             'switches.NAME.queue', 'switches.NAME.rate',
             'timeline[].after', 'timeline[].connection',
             'timeline[].delay', 'timeline[].enabled', 'timeline[].list',
             'timeline[].must', 'timeline[].node', 'timeline[].peer',
             'timeline[].queue', 'timeline[].rate', 'timeline[].set',
             'timeline[].times', 'timeline[].to', 'timeline[].when']


def read(name):
    with open(os.path.join(lib.ROOT, name)) as f:
        return f.read()


BEGIN, END = '<!-- models: begin -->\n', '<!-- models: end -->\n'


def nics_page(c, sim):
    """docs/nics.md has the models' own descriptions, and all that it says of
    them elsewhere is there."""
    page = os.path.join(lib.ROOT, 'docs', 'nics.md')
    text = read('docs/nics.md')
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    tables = lib.run(sim, ['list', 'models', '--markdown']).stdout
    wanted = head + BEGIN + tables + END + tail
    if os.environ.get('KTLS_BLESS') == '1':
        with open(page, 'w') as f:
            f.write(wanted)
    c.equal(read('docs/nics.md'), wanted,
            'docs/nics.md (KTLS_BLESS=1 rewrites it)')
    names = re.findall(r'^(\S+)', lib.run(sim, ['list', 'models']).stdout, re.M)
    c.equal(re.findall(r'^### `(\w+)`', tables, re.M), names, 'models')
    # Wireshark's side of the numbers of models is the program's.
    codes = dict(re.findall(r'\{ "(\w+)", (\d+) \}', read('sim/tap/dma.c')))
    lua = read('contrib/ktls-sim-dma.lua')
    table = lua.split('local MODELS = {')[1].split('\n}')[0]
    known = {name: n for n, name in
             re.findall(r'\[(\d+)\] = \{ name = "(\w+)"', table)}
    c.equal(known.pop('unknown', None), '0', 'a model without a number')
    c.equal(known, codes, 'numbers of models, sim/tap/dma.c and the Lua file')
    for name, n in codes.items():
        c.check('%s `%s`' % (n, name) in head, 'docs/nics.md: %s' % name)
    for name in names:
        c.check(name in codes, name + ' has no number in sim/tap/dma.c')
    orders = lib.run(sim, ['explain', 'timeline.order']).stdout
    for order in re.findall(r'^\| `([a-z-]+)` \|', tables.split(
            '### Orders')[1], re.M):
        c.check(re.search(r'[ ,]%s(,|$)' % order, orders, re.M),
                'explain timeline.order: ' + order)
    c.check('docs/nics.md' in read('README.md'), 'README does not name it')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    page = os.path.join(lib.ROOT, 'docs', 'scenario.md')
    table = lib.run(sim, ['list', 'keys']).stdout
    head = read('docs/scenario.md').split('| key |')[0]
    if os.environ.get('KTLS_BLESS') == '1':
        with open(page, 'w') as f:
            f.write(head + table)
    c.equal(read('docs/scenario.md'), head + table,
            'docs/scenario.md (KTLS_BLESS=1 rewrites it)')
    # `explain` knows every key of the table, and the nearest to a wrong one.
    for path in re.findall(r'^\| `([^`]+)` \|', table, re.M):
        r = lib.run(sim, ['explain', path.replace('NAME', 'x')])
        c.check(r.returncode == 0 and r.stdout.startswith(
            path.replace('.NAME', '').replace('[]', '')), 'explain ' + path)
    r = lib.run(sim, ['explain', 'hosts.cpu'])
    c.equal(r.returncode, 2, 'explain hosts.cpu')
    c.check('did you mean `hosts.cpus`?' in r.stderr, r.stderr)
    r = lib.run(sim, ['explain', 'links.rate'])
    c.equal(r.stdout, 'links.rate\n  bits per second, each direction\n'
            '  value:   rate with unit\n  default: 100Gbit/s\n  since:   0.1\n'
            '  bounds:  1000 to 10000000000000 bit/s\n', 'explain links.rate')
    version = re.search(r"version: '(\d+\.\d+)\.\d+'", read('meson.build'))
    since = dict(re.findall(
        r'^\| `([^`]+)` \| .*? \| .*? \| (\S+) \| .* \|$', table, re.M))
    c.equal(len(since), table.count('\n') - 2, 'every key says since when')
    found = {k for k, v in since.items() if v == '0.2'}
    c.equal(sorted(found ^ set(SINCE_0_2)), [],
            'keys that came with 0.2, here or there alone')
    for key, v in since.items():
        c.check(float(v) <= float(version.group(1)),
                '%s is since %s, this is %s' % (key, v, version.group(1)))
    nics_page(c, sim)
    readme, arch = read('README.md'), read('docs/architecture.md')
    for path in glob.glob(os.path.join(lib.SCENARIOS, '*.ktls.yaml')):
        name = os.path.basename(path)[:-len('.ktls.yaml')]
        c.check('`%s`' % name in readme, 'README does not name ' + name)
    help_text = lib.run(sim, ['help']).stdout
    for command in re.findall(r'^  (\w+) ', help_text, re.M):
        c.check(command == 'version' or 'ktls-sim ' + command in readme,
                'README does not name the command ' + command)
    for line in lib.run(sim, ['list', 'defects']).stdout.splitlines():
        c.check('`%s`' % line.split()[0] in arch,
                'docs/architecture.md does not name ' + line.split()[0])
    run_help = lib.run(sim, ['run', '--help']).stdout
    for option in re.findall(r'(--[a-z]+)', run_help):
        c.check(option in readme or option in ('--help',),
                'README does not name ' + option)
    c.done()


main()
