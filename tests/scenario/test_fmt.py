#!/usr/bin/env python3
"""`ktls-sim fmt`: the scenarios here are canonical; what is not becomes so and
stays so; comments stay, and what a file says never changes (PyYAML is the
judge). Files that are no YAML are refused and left alone."""
import glob
import os
import re
import sys

import lib

try:
    import yaml
except ImportError:  # Debian's Python has it
    if sys.executable == '/usr/bin/python3':
        raise
    os.execv('/usr/bin/python3', ['/usr/bin/python3'] + sys.argv)

UGLY = '''# head

# second


ktls_sim:   1     # version
"name":   'ugly'
description: >-
      folded text
      # not a comment
        deeper

   
x-a:
    - &x {a: 1,   b: [1,2,
         3]}   # tail
    -   *x
    - <<: *x
      c: "true"   # it is text
      d: |
        one
          two
      e: 'no#comment'
      "f": "a # b"
      g: "1.3"
      h: "10.0.0.1/24"
      i: "fd00::1"
      j: ''
      k:
      l: "a, b"
      m: [a, "b, c", "x: y"]

hosts: {
  a: { cpus: 2 },   # inside
  # own line
  "b": {}
}
# last
'''
NICE = '''# head

# second

ktls_sim: 1  # version
name: ugly
description: >-
  folded text
  # not a comment
    deeper

x-a:
  - &x {a: 1, b: [1, 2, 3]}  # tail
  - *x
  - <<: *x
    c: "true"  # it is text
    d: |
      one
        two
    e: "no#comment"
    f: "a # b"
    g: "1.3"
    h: 10.0.0.1/24
    i: "fd00::1"
    j: ""
    k:
    l: "a, b"
    m: [a, "b, c", "x: y"]

hosts:
  a: {cpus: 2}  # inside
  # own line
  b: {}
# last
'''


def says(text):
    try:
        return yaml.load(text, yaml.BaseLoader)
    except (yaml.YAMLError, ValueError) as e:
        return 'no YAML to Python: ' + type(e).__name__


def comments(text):
    return sorted(re.findall(r'(?:^|[ \t])#[^\n]*?(?=[ \t\r]*$)', text, re.M))


def read(path):
    with open(path, newline='', errors='surrogateescape') as f:
        return f.read()


def every_file(c, sim, d):
    """All the broken ones, too: most of them are YAML."""
    done = refused = 0
    files = sorted(glob.glob(os.path.join(lib.ROOT, 'tests/scenario/broken/*.yaml')) +
                   glob.glob(os.path.join(lib.ROOT, 'tests/fuzz/corpus/*')))
    once = os.path.join(d, 'once.yaml')
    for file in files:
        r = lib.run(sim, ['fmt', file], errors='surrogateescape')
        c.check(r.returncode in (0, 2), '%s: %d' % (file, r.returncode))
        if r.returncode != 0:
            refused += 1
            c.check('error: ' in r.stderr, file + ': ' + r.stderr)
            c.check('cannot be formatted' not in r.stderr, file + ': ' + r.stderr)
            continue
        done += 1
        with open(once, 'w', errors='surrogateescape') as f:
            f.write(r.stdout)
        c.equal(lib.run(sim, ['fmt', once], errors='surrogateescape').stdout, r.stdout, file + ' again')
        was = says(read(file))
        if not isinstance(was, str):
            c.equal(says(r.stdout), was, file + ' says')
    c.check(done > 150 and refused > 10, '%d formatted, %d refused' % (done, refused))


def commands(c, sim, d):
    file = os.path.join(d, 'ugly.ktls.yaml')
    with open(file, 'w') as f:
        f.write(UGLY)
    os.chmod(file, 0o640)
    r = lib.run(sim, ['fmt', file])
    c.equal((r.returncode, r.stdout), (0, NICE), r.stderr)
    c.equal(comments(NICE), comments(UGLY), 'comments')
    c.equal(lib.run(sim, ['fmt', '-'], input=UGLY).stdout, NICE, 'standard input')
    r = lib.run(sim, ['fmt', '--check', file, lib.scenario('quickstart')])
    c.equal((r.returncode, r.stdout), (1, file + '\n'), r.stderr)
    c.equal(read(file), UGLY, '--check writes nothing')
    r = lib.run(sim, ['fmt', '--write', file])
    c.equal((r.returncode, r.stdout, read(file)), (0, '', NICE), r.stderr)
    c.equal(os.stat(file).st_mode & 0o777, 0o640, 'mode')
    c.equal(os.listdir(d), ['ugly.ktls.yaml'], 'nothing is left')
    r = lib.run(sim, ['fmt', '--check', file])
    c.equal((r.returncode, r.stdout), (0, ''), r.stderr)
    for args, code, text in ((['fmt'], 2, 'name a scenario file'), (['fmt', '--check', '--write', file], 2, 'contradict'),
                             (['fmt', '--write', '-'], 2, 'cannot be rewritten'),
                             (['fmt', os.path.join(d, 'none')], 3, 'No such file')):
        r = lib.run(sim, args)
        c.check(r.returncode == code and text in r.stderr, '%s: %s' % (args, r.stderr))
    link = os.path.join(d, 'link.ktls.yaml')
    os.symlink('ugly.ktls.yaml', link)
    with open(file, 'w') as f:
        f.write(UGLY)
    r = lib.run(sim, ['fmt', '--write', link])
    c.equal((r.returncode, read(file), os.readlink(link)), (0, NICE, 'ugly.ktls.yaml'), 'through a link ' + r.stderr)
    for text, want in (('!!str 12', '!!str'), ('!!binary aGk=', '!!binary'), ('!own {b: 1}', '!own'), ('! [1]', '!')):
        r = lib.run(sim, ['fmt', '-'], input='x: 1\na: %s\n' % text)
        c.check(r.returncode == 2 and '-:2: error: a tag (`%s`), which scenarios do not' % want in r.stderr and
                not r.stdout, '%s: %s%s' % (text, r.stdout, r.stderr))
    same = 'a: "1_000"\nb: "2020-01-01"\nc: a_1\nd: 10.0.0.1\n'
    r = lib.run(sim, ['fmt', '-'], input=same.replace('a_1', '"a_1"').replace('10.0.0.1', '"10.0.0.1"'))
    c.equal(r.stdout, same, 'what YAML 1.1 takes for a number')
    bad = os.path.join(d, 'bad.ktls.yaml')
    with open(bad, 'w') as f:
        f.write('a: [1\nb: 2\n')
    r = lib.run(sim, ['fmt', '--write', bad, file])
    c.check(r.returncode == 2 and 'not valid YAML' in r.stderr, r.stderr)
    c.equal(read(bad), 'a: [1\nb: 2\n', 'what is no YAML is left alone')


def odd_breaks(c, sim, d):
    """Line breaks of YAML that are none of ours, found by libFuzzer."""
    file = os.path.join(d, 'odd.ktls.yaml')
    for text in ('#s-\r1\n', 'a: 1\rb: 2\n', 'a: 1 # x\u2028b: 2\n', 'a: "x\u0085y"\n', 'a: "x\u2029y"\n'):
        with open(file, 'w', newline='') as f:
            f.write('\n' + text)
        r = lib.run(sim, ['fmt', file])
        c.check(r.returncode == 2 and r.stderr.startswith(file + ':2: error: in this line is a line break that'), r.stderr)
    with open(file, 'w', newline='') as f:
        f.write('a: "x\\Ny\\Lz\\P\\r\\n"\r\nb: 1 # \u00e9\r\n')
    r = lib.run(sim, ['fmt', file])
    c.equal((r.returncode, r.stdout), (0, 'a: "x\\Ny\\Lz\\P\\x0d\\n"\nb: 1  # \u00e9\n'), r.stderr)


def blocks(c, sim, d):
    """Block scalars: at the file's end, with a comment, and those whose blanks say something."""
    file = os.path.join(d, 'block.ktls.yaml')
    for text, want in (('a: |\n  x\n\n  y: {a>\n  1}\n', 'a: |\n  x\n\n  y: {a>\n  1}\n'),
                       ('a: >-  # c\n      x\n      y\n\n\n# d\nb: 1\n', 'a: >-  # c\n  x\n  y\n\n# d\nb: 1\n'),
                       ('a: |2  # c\n    x\n   y\nb: 1\n', 'a: "  x\\n y\\n"  # c\nb: 1\n'),
                       ('a: |\n  x\n     \n  y\n', 'a: "x\\n   \\ny\\n"\n'),
                       ('a: >-\n  x\n  y', 'a: "x y"\n'), ('a: |+\n  x\n\n\n', 'a: "x\\n\\n\\n"\n')):
        with open(file, 'w') as f:
            f.write(text)
        r = lib.run(sim, ['fmt', file])
        c.equal((r.returncode, r.stdout.rstrip('\n') + '\n'), (0, want), repr(text) + r.stderr)


def nothing(c, sim, d):
    """A document with nothing in it, found by libFuzzer."""
    file = os.path.join(d, 'nothing.ktls.yaml')
    for text in ('---\n', '--- # x\n', '---\n...\n', '--- &a\n', '--- |\n', "''\n"):
        with open(file, 'w') as f:
            f.write(text)
        r = lib.run(sim, ['fmt', file])
        c.equal((r.returncode, r.stderr), (2, file + ':1:1: error: the file is empty: a scenario begins with `ktls_sim: 1`\n'),
                repr(text))


def main():
    c = lib.Checks()
    sim = sys.argv[1]
    with lib.tmpdir() as d:
        commands(c, sim, d)
        every_file(c, sim, d)
        odd_breaks(c, sim, d)
        nothing(c, sim, d)
        blocks(c, sim, d)
    ours = sorted(glob.glob(os.path.join(lib.SCENARIOS, '**', '*.yaml'), recursive=True))
    r = lib.run(sim, ['fmt', '--check'] + ours)
    c.equal((r.returncode, r.stdout), (0, ''), 'our scenarios are canonical: `ktls-sim fmt --write`')
    c.done()


main()
