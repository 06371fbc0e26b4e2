#!/usr/bin/env bash
# One would guess: a reader of CSV tells of a file that ends inside quotes: it is the one place where CSV shows that it was cut (RFC 4180 wants a quote at
# the end of such a field), and what would have been the end of the text is missing.
# What happens: Python 3.11's `csv`, the crate `csv` 1.4.0, pyarrow 26.0.1 and npm's `csv-parser` 3.2.1 take the half of the field for the whole, without a word.
# DuckDB 2.0.1 makes a single column of all rows of such a small file, and rows of the lines within the quotes. papaparse 5.7.1 has a list of errors beside its rows,
# which are there as after a whole file. Python's `strict=True`, pandas 3.1.1, polars 2.1.0, `csv-parse` 7.0.3, `fast-csv` 5.0.8, commons-csv 1.14.1 and Go have an error.
# Who meets it: readers of exports that broke off, by pipes and disks that were full: comments and addresses of several lines are in quotes. So it is with one
# quote too many in the middle of a file: the rows behind it, up to the next quote, become one field.
set -euo pipefail
CSV_CRATE=1.4.0 PYARROW=26.0.1 DUCKDB=2.0.1 PANDAS=3.1.1 POLARS=2.1.0 CSV_PARSER=3.2.1 PAPAPARSE=5.7.1 CSV_PARSE=7.0.3 FAST_CSV=5.0.8
COMMONS_CSV=1.14.1 COMMONS_IO=2.20.0 COMMONS_CODEC=1.19.0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "polars==$POLARS" "duckdb==$DUCKDB" "pandas==$PANDAS" "pyarrow==$PYARROW"
npm init -y >/dev/null
npm install --silent "csv-parser@$CSV_PARSER" "papaparse@$PAPAPARSE" "csv-parse@$CSV_PARSE" "fast-csv@$FAST_CSV"
for jar in "org.apache.commons:commons-csv:$COMMONS_CSV" "commons-io:commons-io:$COMMONS_IO" "commons-codec:commons-codec:$COMMONS_CODEC"; do
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy "-Dartifact=$jar" -DoutputDirectory="$dir/jars" >mvn.log || { cat mvn.log; exit 2; }
done
mkdir -p rust/src
cat >rust/Cargo.toml <<TOML
[package]
name = "rust"
version = "0.0.0"
edition = "2021"
[dependencies]
csv = "=$CSV_CRATE"
[workspace]
TOML
cat >rust/src/main.rs <<'RS'
fn main() {
    let mut found = Vec::new();
    for record in csv::Reader::from_path("cut.csv").unwrap().records() {
        match record {
            Ok(record) => found.push(record.iter().collect::<Vec<_>>().join(":").replace('\n', "/")),
            Err(_) => found.push("error".to_string()),
        }
    }
    println!("{}", found.join(" "));
}
RS
CARGO_TARGET_DIR=$dir/target cargo build --quiet --manifest-path rust/Cargo.toml 2>cargo.log || { cat cargo.log; exit 2; }
cat >read.py <<'PY'
import csv
import sys
import duckdb
import pandas
import polars
import pyarrow.csv

def plain(strict):
    with open('cut.csv', newline='') as file:
        return list(csv.reader(file, strict=strict))[1:]

ways = {
    'csv': lambda: plain(False),
    'strict': lambda: plain(True),
    'pandas': lambda: pandas.read_csv('cut.csv').values.tolist(),
    'polars': lambda: polars.read_csv('cut.csv').rows(),
    'pyarrow': lambda: [row.values() for row in pyarrow.csv.read_csv('cut.csv').to_pylist()],
    'duckdb': lambda: duckdb.sql("SELECT * FROM 'cut.csv'").fetchall(),
}
try:
    print(*(':'.join(map(str, row)).replace('\n', '/') for row in ways[sys.argv[1]]()))
except (csv.Error, pandas.errors.ParserError, polars.exceptions.ComputeError):
    print('error')
PY
cat >read.js <<'JS'
const fs = require('fs')
const text = fs.readFileSync('cut.csv', 'utf8')
const show = (rows, error) => console.log(rows.map(row => Object.values(row).join(':').replaceAll('\n', '/')).concat(error ? ['error'] : []).join(' '))
const stream = parser => {
  const rows = []
  parser.on('data', row => rows.push(row)).on('error', () => show([], true)).on('end', () => show(rows, false))
}
const ways = {
  'csv-parser': () => stream(fs.createReadStream('cut.csv').pipe(require('csv-parser')())),
  'fast-csv': () => stream(require('fast-csv').parseFile('cut.csv', { headers: true })),
  papaparse: () => {
    const found = require('papaparse').parse(text, { header: true })
    show(found.data, found.errors.length > 0)
  },
  'csv-parse': () => {
    try {
      show(require('csv-parse/sync').parse(text, { columns: true }), false)
    } catch {
      show([], true)
    }
  },
}
ways[process.argv[2]]()
JS
cat >Read.java <<'JAVA'
import java.io.FileReader;
import org.apache.commons.csv.CSVFormat;

public class Read {
    public static void main(String[] none) throws Exception {
        try (var rows = CSVFormat.DEFAULT.parse(new FileReader("cut.csv"))) {
            System.out.println(rows.getRecords());
        } catch (org.apache.commons.csv.CSVException error) {
            System.out.println("error");
        } catch (java.io.UncheckedIOException error) {
            System.out.println("error");
        }
    }
}
JAVA
cat >read.go <<'GO'
package main

import (
	"encoding/csv"
	"fmt"
	"os"
)

func main() {
	file, err := os.Open("cut.csv")
	if err != nil {
		panic(err)
	}
	if rows, err := csv.NewReader(file).ReadAll(); err != nil {
		fmt.Println("error")
	} else {
		fmt.Println(rows)
	}
}
GO
printf 'id,text\n1,new\n2,"paid\nin cash, not by card"\n' >whole.csv
head -c 29 whole.csv >cut.csv
wrong=0
expect() { # NAME EXPECTED COMMAND…
  local found
  found=$("${@:3}")
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
python="Python $(python3 -c 'import platform; print(platform.python_version())')"
echo 'the rows (1, "new") and (2, "paid / in cash, not by card"), cut behind "in cash"; / is a newline'
half='1:new 2:paid/in cash'
expect "$python, csv" "$half" python/bin/python read.py csv
expect "crate csv $CSV_CRATE" "$half" target/debug/rust
expect "pyarrow $PYARROW" "$half" python/bin/python read.py pyarrow
expect "npm csv-parser $CSV_PARSER" '1:new 2:"paid/in cash' node read.js csv-parser
expect "duckdb $DUCKDB" '1,new 2,"paid in cash' python/bin/python read.py duckdb
expect "papaparse $PAPAPARSE" "$half error" node read.js papaparse
for way in strict pandas polars; do expect "$python, $way" error python/bin/python read.py $way; done
for way in csv-parse fast-csv; do expect "npm $way" error node read.js $way; done
expect "commons-csv $COMMONS_CSV" error java -cp 'jars/*' Read.java
expect "$(go version | cut -d' ' -f3)" error go run read.go
exit $wrong
