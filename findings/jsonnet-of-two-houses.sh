#!/usr/bin/env bash
# One would guess: Jsonnet's two implementations of the same house and the same version, in C++ (PyPI: jsonnet) and in Go (PyPI:
# gojsonnet), give the same value for the same text; its standard library is specified.
# What happens: in 0.22.0 `std.base64` of a text takes code points as bytes in C++ and UTF-8 in Go; `std.round` of -2.5 is -2 and -3;
# `std.parseYaml` gives texts for `yes` and `~`, and a number for what is tagged as a string, where Go gives true, null and a string.
# Who meets it: people who render templates on their desk with one and have them rendered in a cluster by the other (pachd has the one in
# Go): a password with an umlaut, encoded for a secret, is another password.
set -euo pipefail
VERSION=0.22.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "jsonnet==$VERSION" "gojsonnet==$VERSION"
cat >compare.py <<'PY'
import json, sys
import _gojsonnet, _jsonnet
expected = [
    ("std.base64('\u00e9')", '6Q==', 'w6k='),
    ("std.base64Decode('w6k=')", '\u00c3\u00a9', '\u00e9'),
    ('std.round(-2.5)', -2, -3),
    ("std.parseYaml('yes')", 'yes', True),
    ("std.parseYaml('a: ~')", {'a': '~'}, {'a': None}),
    ("std.parseYaml('!!str 1')", 1, '1'),
    # They agree where one looks first.
    ("std.base64('a')", 'YQ==', 'YQ=='),
    ('std.round(2.5)', 3, 3),
    ("std.parseYaml('true')", True, True),
]
wrong = 0
for text, *values in expected:
    found = [json.loads(house.evaluate_snippet('x', text)) for house in (_jsonnet, _gojsonnet)]
    print(f'{text}: C++ {found[0]!r}, Go {found[1]!r}')
    if [repr(value) for value in found] != [repr(value) for value in values]:
        print(f'  changed: expected {values}')
        wrong = 1
sys.exit(wrong)
PY
python/bin/python compare.py
