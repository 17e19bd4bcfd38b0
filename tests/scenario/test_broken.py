#!/usr/bin/env python3
"""Broken scenarios and what is said of them: NAME.yaml must give exactly the
diagnostics in NAME.expect, from `check` and from `run`, with exit code 2 and
nothing on standard output. NAME.args has further arguments for `run`, one a
line. Every text that the loader has must be in some golden.
KTLS_BLESS=1 (./dev bless) rewrites the goldens: read the diff."""
import glob
import os
import re
import sys

import lib

FOLDER = os.path.join(lib.ROOT, 'tests', 'scenario', 'broken')
BLESS = os.environ.get('KTLS_BLESS') == '1'

# Too large to keep: made here, their goldens are kept.
LARGE = {
    'too-many-values': 'ktls_sim: 1\nname: x\nx-list: [' + '1,' * 100000 + ']\n',
    'value-too-long': 'ktls_sim: 1\nname: ' + 'x' * 65537 + '\n',
    # Seconds, when each key was compared with each.
    'many-keys': 'ktls_sim: 1\nname: x\n' + ''.join('k%d: 1\n' % i
                                                    for i in range(49000)),
    'too-many-aliases': 'ktls_sim: 1\nname: x\nx-a: &a 1\nx-list: [' +
                        '*a,\n' * 1001 + ']\n',
    'too-many-anchors': 'ktls_sim: 1\nname: x\nx-list:\n' +
                        ''.join('- &a%d 1\n' % i for i in range(1001)),
    # Each takes all of the one before: a quadratic number of keys.
    'merge-tower': 'ktls_sim: 1\nname: x\nx-0: &m0 {' +
                   ', '.join('k%d: 1' % i for i in range(2000)) + '}\n' +
                   ''.join('x-%d: &m%d {<<: *m%d}\n' % (i, i, i - 1)
                           for i in range(1, 60)),
    'too-many-parameters': 'ktls_sim: 1\nname: x\nparameters: {' +
                           ', '.join('p%d: 1' % i for i in range(257)) + '}\n',
    'file-too-large': '#' * (1 << 20) + '\nktls_sim: 1\n',
}

# Texts of the loader that no file can bring about.
UNREACHABLE = {
    'the YAML library could not start': 'only without memory',
    'unexpected end of the file':
        'libyaml closes what is open, or reports an error, before the end',
    'an order is carried out now: `when` and `every` are for steps of the timeline':
        'not of a file; test_ctl_words.c has it',
    'an order has no cells to choose from: leave `only` out':
        'not of a file; test_ctl_words.c has it',
    'a scenario that is not read from a file cannot `include`: there is no folder to look in':
        'not of a file; test_language.py has it',
}


def one(c, sim, cwd, name, out):
    golden = os.path.join(FOLDER, name + '.expect')
    args = []
    path = os.path.join(cwd, name + '.args')
    if os.path.exists(path):
        with open(path) as f:
            args = f.read().splitlines()
    commands = [['run', '--out', out]] + ([] if args else [['check']])
    for command in commands:
        r = lib.run(sim, command + args + [name + '.yaml'], cwd=cwd)
        if BLESS:
            with open(golden, 'w') as f:
                f.write(r.stderr)
        want = ''
        if os.path.exists(golden):
            with open(golden) as f:
                want = f.read()
        c.equal(r.stderr, want, '%s %s' % (command[0], name))
        c.equal(r.returncode, 2, name)
        c.equal(r.stdout, '', name + ': stdout')
        c.check((name + '.yaml:' in want or want.startswith(('--set ', 'include-parts/'))) and
                ' error: ' in want, name + ': the golden names file and error')


def calls(source):
    """The texts of all calls that tell a mistake, as (text, line)."""
    for m in re.finditer(r'\b(diag_error|diag_note|ERR|strbuf_addf|wanted|refuse)\(', source):
        depth, i = 1, m.end()
        literals, in_format = [], False
        while depth > 0:
            if source[i] == '"':
                j = re.compile(r'"(?:[^"\\]|\\.)*"').match(source, i).end()
                if depth == 1 and not (literals and not in_format):
                    literals.append(source[i + 1:j - 1])
                    in_format = True
                i = j
                continue
            if source[i] in '()':
                depth += 1 if source[i] == '(' else -1
            elif source[i] == ',' and depth == 1:
                in_format = False
            i += 1
        text = ''.join(literals).replace('\\n', '').replace('\\"', '"')
        if m.group(1) == 'strbuf_addf' and ' error' not in text:
            continue
        yield text, source.count('\n', 0, m.start()) + 1


def every_text_has_a_golden(c, folder):
    """A diagnostic that no test has ever brought about is one that may be
    wrong, or say nonsense."""
    # Without the lines of the files, which are shown and may be very long.
    lines = set()
    for path in glob.glob(os.path.join(folder, '*.expect')):
        with open(path) as f:
            lines.update(x for x in f if re.search(r'error: |errors$|note: ', x))
    said = ''.join(sorted(lines))
    found = set()
    for name in ('alias.c', 'check.c', 'check_cases.c', 'check_claims.c', 'include.c', 'params.c', 'tree.c', 'check_cards.c', 'check_links.c', 'check_live.c',
                 'check_calls.c', 'check_steps.c', 'check_switches.c', 'check_tls.c',
                 'load.c', 'order.c', 'node.c', 'set.c', 'when.c'):
        with open(os.path.join(lib.ROOT, 'sim', 'scenario', name)) as f:
            source = f.read()
        for text, line in calls(source):
            found.add(text)
            if text in UNREACHABLE:
                continue
            pattern = re.sub(r'%(?:\.\*)?[a-z]+', '.*', re.escape(text).replace(
                '\\%', '%'))
            c.check(re.search(pattern, said),
                    '%s:%d: no golden has: %s' % (name, line, text))
    with open(os.path.join(lib.ROOT, 'sim', 'scenario', 'load.c')) as f:
        table = f.read().split('scalar_kinds[] = {')[1].split('};')[0]
    examples = re.findall(r'"(.*?)"', table)
    c.check(len(examples) >= 5, 'kinds of scalars: %s' % examples)
    for text in examples:
        c.check('is not ' + text in said, 'no golden has: ' + text)
    c.check(len(found) >= 58, 'only %d texts found in the sources' % len(found))
    c.equal(set(UNREACHABLE) - found, set(), 'unreachable, but not there')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    names = sorted(os.path.basename(f)[:-len('.yaml')] for f in
                   glob.glob(os.path.join(FOLDER, '*.yaml')))
    c.check(len(names) >= 80, 'only %d broken scenarios' % len(names))
    with lib.tmpdir() as d:
        out = os.path.join(d, 'out')
        for name in names:
            one(c, sim, FOLDER, name, out)
        for name, text in LARGE.items():
            with open(os.path.join(d, name + '.yaml'), 'w') as f:
                f.write(text)
            one(c, sim, d, name, out)
    kept = sorted(os.path.basename(f)[:-len('.expect')] for f in
                  glob.glob(os.path.join(FOLDER, '*.expect')))
    c.equal(kept, sorted(names + list(LARGE)), 'goldens')
    every_text_has_a_golden(c, FOLDER)
    c.done()


main()
