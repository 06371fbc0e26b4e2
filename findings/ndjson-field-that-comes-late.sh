#!/usr/bin/env bash
# One would guess: a library that makes a table of lines of JSON has a column for each field, or says that a line has a field for which it has none: a field
# that is seldom there (a refund, an error) is the one that somebody looks for.
# What happens: polars 2.1.0 (`read_ndjson`, `scan_ndjson`) looks at the first 100 lines and drops, without a word, every field that comes later for the first
# time; pyarrow 26.0.1 does so as a dataset (`dataset(…, format="json")`) behind its first block of 1 MiB. The rows are there, and right but for what is missing. DuckDB 2.0.1
# refuses such a file, and names the line and the field. pandas 3.1.1 and pyarrow's `read_json` have the column.
# Who meets it: pipelines that read what a spout collected. Tests are made of short files, in which every field is there. What helps: in polars
# `infer_schema_length=None`, or a schema.
set -euo pipefail
POLARS=2.1.0 DUCKDB=2.0.1 PANDAS=3.1.1 PYARROW=26.0.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "polars==$POLARS" "duckdb==$DUCKDB" "pandas==$PANDAS" "pyarrow==$PYARROW"
# The last line alone has a refund: the 101st, or the one behind 2 MiB.
for count in 100 200000; do
  { seq "$count" | sed 's/.*/{"id":&}/'; echo '{"id":0,"refund":12}'; } >"$count.ndjson"
done
cat >read.py <<'PY'
import sys
import duckdb
import pandas
import polars
import pyarrow.dataset
import pyarrow.json

way, file = sys.argv[1:]
try:
    if way == 'read_ndjson':
        table = polars.read_ndjson(file)
        rows, columns = table.height, table.columns
    elif way in ('scan_ndjson', 'all'):
        table = polars.scan_ndjson(file, **({} if way == "scan_ndjson" else {"infer_schema_length": None})).collect()
        rows, columns = table.height, table.columns
    elif way == 'dataset':
        table = pyarrow.dataset.dataset(file, format='json').to_table()
        rows, columns = table.num_rows, table.column_names
    elif way == 'read_json':
        table = pyarrow.json.read_json(file)
        rows, columns = table.num_rows, table.column_names
    elif way == 'pandas':
        table = pandas.read_json(file, lines=True)
        rows, columns = len(table), table.columns
    else:
        found = duckdb.sql(f"SELECT * FROM '{file}'")
        rows, columns = len(found.fetchall()), found.columns
    print(rows, 'rows:', *columns)
except duckdb.InvalidInputException as error:
    print('an error that names the field' if 'unknown key "refund"' in str(error) else error)
PY
wrong=0
expect() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}")
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
read_by=(python/bin/python -W error read.py)
expect "polars $POLARS, read_ndjson" '101 rows: id' "${read_by[@]}" read_ndjson 100.ndjson
expect "polars $POLARS, scan_ndjson" '101 rows: id' "${read_by[@]}" scan_ndjson 100.ndjson
expect "polars $POLARS, infer_schema_length=None" '101 rows: id refund' "${read_by[@]}" all 100.ndjson
expect "pyarrow $PYARROW, a dataset of 101 lines" '101 rows: id refund' "${read_by[@]}" dataset 100.ndjson
expect "pyarrow $PYARROW, a dataset of 200,001 lines" '200001 rows: id' "${read_by[@]}" dataset 200000.ndjson
expect "pyarrow $PYARROW, read_json" '200001 rows: id refund' "${read_by[@]}" read_json 200000.ndjson
expect "pandas $PANDAS" '200001 rows: id refund' "${read_by[@]}" pandas 200000.ndjson
expect "duckdb $DUCKDB" 'an error that names the field' "${read_by[@]}" duckdb 200000.ndjson
exit $wrong
