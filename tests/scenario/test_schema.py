#!/usr/bin/env python3
"""The JSON Schema against everything that is there: every scenario is valid, a
mistake that the loader finds by the key table is one to the schema too, and
every row of the reference is in it."""
import glob
import json
import os
import re
import sys

import lib

try:
    import jsonschema
    import yaml
except ImportError:  # Debian's Python has them
    if sys.executable == '/usr/bin/python3':
        raise
    os.execv('/usr/bin/python3', ['/usr/bin/python3'] + sys.argv)

BROKEN = os.path.join(lib.ROOT, 'tests', 'scenario', 'broken')
# What load.c says of a key or its value by the table alone.
BY_TABLE = re.compile(
    r"error: (there is no .* key `|`[^`]*` is not a |`[^`]*` is none of|`[^`]*` is neither `true`|"
    r"[0-9]+ is out of bounds: |`[^`]*` is always|.* wants the key `|"
    r"`[^`]*` wants a (map|list|plain value)|`[^`]*` is a key of )")


# The same words, but from a check, or of a --set, or beyond 64 bits.
NOT_BY_TABLE = ('include-mistake', 'parameter-value', 'client-without-path', 'lagg-hash', 'server-hint', 'server-is-a-client',
                'set-unknown-key', 'set-wrong-value', 'number-overflow', 'fraction-of-a-bit',
                'words-and-their-places')


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it: `on` is a word."""


Core.yaml_implicit_resolvers = {}
for tag, regex, first in (
        ('bool', r'^(?:true|True|TRUE|false|False|FALSE)$', 'tTfF'),
        ('int', r'^[-+]?[0-9]+$', '-+0123456789'),
        ('float', r'^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$', '-+.0123456789'),
        ('null', r'^(?:~|null|Null|NULL|)$', '~nN\0'), ('merge', r'^<<$', '<')):
    for c in first:
        Core.yaml_implicit_resolvers.setdefault('' if c == '\0' else c, []).append(
            ('tag:yaml.org,2002:' + tag, re.compile(regex)))


def load(file):
    with open(file, 'rb') as f:
        return yaml.load(f, Core)


def valid(c, validator):
    files = sorted(glob.glob(os.path.join(lib.SCENARIOS, '**', '*.yaml'), recursive=True))
    c.check(len(files) > 40, 'scenarios: %d' % len(files))
    for file in files:
        for e in validator.iter_errors(load(file)):
            c.check(False, '%s: %s: %s' % (file, list(e.absolute_path), e.message))


def broken(c, validator):
    found = 0
    for file in sorted(glob.glob(os.path.join(BROKEN, '*.yaml'))):
        with open(file[:-5] + '.expect') as f:
            told = BY_TABLE.search(f.read())
        if told is None or os.path.basename(file)[:-5] in NOT_BY_TABLE:
            continue
        try:
            tree = load(file)
        except yaml.YAMLError:
            continue
        found += 1
        c.check(not validator.is_valid(tree), '%s is valid: %s' % (os.path.basename(file), told[0]))
    c.check(found > 35, 'only %d broken files with mistakes of the table' % found)


def mutations(c, sim, schema, validator):
    """One scenario, spoiled in one place: loader and schema agree."""
    def no_key(t):
        t['hosts']['server']['cpuss'] = 1

    def unit(t):
        t['until'] = '5 parsec'

    def bound(t):
        t['hosts']['server']['nics']['mce0']['mtu'] = 100

    def word(t):
        t['apps']['web']['type'] = 'http-server'

    def foreign(t):
        t['apps']['web']['connections'] = 3

    def missing(t):
        del t['name']

    def kind(t):
        t['links'] = {'a': 1}

    def free(t):
        t['x-own'] = [1, {'a': None}]

    def number(t):
        t['apps']['web']['tls']['version'] = t['apps']['get']['tls']['version'] = 1.2

    def parameter(t):
        t['parameters'] = {'n': 2}
        t['hosts']['server']['cpus'] = '$n'
        t['links'][0]['delay'] = '${n}us'
        t['apps']['web']['tls']['rx'] = 'openssl'

    def default(t):
        t['defaults'] = {'app': {'tls': {'versoin': '1.3'}}}

    def matrix(t):
        t['matrix'] = {'axes': {'card': ['t6', 'basic']}, 'exclude': [{'card': 't6'}]}
        t['expect'][0]['only'] = {'card': 'basic'}

    def cell(t):
        t['matrix'] = {'axes': {'card': ['t6', 'basic']}, 'exclude': ['t6']}

    good = lib.scenario('quickstart')
    with lib.tmpdir() as d:
        for spoil, right in ((no_key, 0), (unit, 0), (bound, 0), (word, 0), (foreign, 0), (missing, 0),
                             (kind, 0), (free, 1), (number, 1), (parameter, 1), (default, 0), (matrix, 1),
                             (cell, 0)):
            tree = load(good)
            spoil(tree)
            file = os.path.join(d, spoil.__name__ + '.ktls.yaml')
            with open(file, 'w') as f:
                json.dump(tree, f)
            r = lib.run(sim, ['check', file])
            c.equal(r.returncode == 0, bool(right), 'check, %s: %s' % (spoil.__name__, r.stderr))
            c.equal(validator.is_valid(tree), bool(right), 'schema, ' + spoil.__name__)


def resolved(schema, s):
    while True:
        if 'allOf' in s and '$ref' in s['allOf'][0]:
            s = s['allOf'][0]
        if '$ref' not in s:
            return s
        s = schema['definitions'][s['$ref'].rsplit('/', 1)[1]]


def rows(c, sim, schema):
    """Each row of `list keys` is in the schema, and nothing else."""
    seen = set()
    lines = lib.run(sim, ['list', 'keys']).stdout.splitlines()[2:]
    c.check(len(lines) > 200, '%d rows' % len(lines))
    for line in lines:
        path, _, default, bounds, _, text = [w.strip() for w in line.strip('| ').split(' | ')]
        s = schema
        for word in re.findall(r'[A-Za-z0-9_]+|\[\]', path):
            parent = resolved(schema, s)
            s = (parent['additionalProperties'] if word == 'NAME' else
                 parent['items'] if word == '[]' else parent['properties'][word])
        seen.add((id(parent), word))
        c.check(s['description'].startswith(text), '%s: %s' % (path, s['description']))
        # What an included file may have, the schema cannot ask for.
        in_part = re.search(r'\.NAME\.[^.\[]*$', path)
        wants = parent['then'] if parent is schema else parent
        c.equal(default == 'required' and not in_part, word in wants.get('required', []),
                path + ' is required')
        number = (s.get('anyOf') or [s])[0]
        if number.get('type') == 'integer' and bounds:
            c.equal('%d to %d' % (number['minimum'], number['maximum']), bounds, path)
        if default and default != 'required':
            said = s['default']
            c.equal(str(said).lower() if isinstance(said, bool) else str(said), default, path)
    every = set()
    for name, m in [('', schema)] + list(schema['definitions'].items()):
        twin = schema['definitions'].get(name.replace('-in-part', ''))
        if name.endswith('-in-part') and twin is not None:
            c.equal(list(m['properties']), list(twin['properties']), name)
            continue
        every |= {(id(m), key) for key in m.get('properties', {})}
    c.equal(sorted(k for _, k in every - seen), [], 'keys without a row')


def reports(c, sim):
    """Every golden report.json, which are those of all scenarios, and ones that
    broke off; and what the schema must not let pass."""
    r = lib.run(sim, ['schema', '--report'])
    c.equal((r.returncode, r.stderr), (0, ''), 'schema --report')
    schema = json.loads(r.stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    files = glob.glob(os.path.join(lib.ROOT, 'tests', 'scenario', 'golden', '*.report.json'))
    c.check(len(files) > 40, 'golden reports: %d' % len(files))
    for file in sorted(files):
        with open(file) as f:
            report = json.load(f)
        for e in validator.iter_errors(report):
            c.check(False, '%s: %s: %s' % (file, list(e.absolute_path), e.message))
    with lib.tmpdir() as d:
        _, report = lib.run_out(sim, lib.scenario('quickstart'), d + '/x', '--defect',
                                'kern.sbready-early')
        for e in validator.iter_errors(report):
            c.check(False, 'broken off: %s: %s' % (list(e.absolute_path), e.message))
        _, report = lib.run_out(sim, lib.scenario('failover'), d + '/y')
    c.check(validator.is_valid(report), 'failover')

    def refused(what, change):
        copy = json.loads(json.dumps(report))
        change(copy)
        c.check(not validator.is_valid(copy), 'the schema lets pass: ' + what)
    refused('another version', lambda o: o.update(ktls_sim_result=2))
    refused('a new member', lambda o: o.update(new=1))
    refused('one of a connection', lambda o: o['connections'][0].update(new=1))
    refused('one of TCP_INFO', lambda o: o['connections'][0]['server_side']['tcp'].update(new=1))
    refused('a missing one', lambda o: o.pop('seed'))
    refused('text for a number', lambda o: o['invariants'][0].update(looked='7'))
    refused('a counter that is text', lambda o: o['counters']['server'].update(x='7'))
    refused('null for a text', lambda o: o.update(name=None))


def main():
    c = lib.Checks()
    sim = sys.argv[1]
    r = lib.run(sim, ['schema'])
    c.equal((r.returncode, r.stderr), (0, ''), 'ktls-sim schema')
    schema = json.loads(r.stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    valid(c, validator)
    broken(c, validator)
    mutations(c, sim, schema, validator)
    rows(c, sim, schema)
    reports(c, sim)
    r = lib.run(sim, ['schema', 'x'])
    c.check(r.returncode == 2 and 'is told nothing' in r.stderr, r.stderr)
    c.check('yaml-language-server: $schema=' in lib.run(sim, ['schema', '--help']).stdout, 'help')
    c.done()


main()
