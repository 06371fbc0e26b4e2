#!/usr/bin/env bash
# One would guess: `for decoder.More() { decoder.Decode(&value) }` of Go's encoding/json, the loop of its documentation, reads one JSON value after
# another to the end of the stream, and meets the error of a connection that broke in `Decode`.
# What happens: in go1.26.8 `More` is false at an error, too. A stream that breaks between two values, which is where one that is written value by value breaks,
# ends without a word: no later call has the error that the program makes. In the middle of a value `Decode` has it. In the documentation's
# example, an array, the `Token` behind the loop finds it; a stream of values (NDJSON) has no such token.
# Who meets it: readers of watches, feeds and exports in Go that take `More` for "until the end". What helps: call `Decode` until it returns `io.EOF`.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
# Its body is chunked, and ends without the last chunk: the client knows that it is not whole.
cat >read.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
)

type values struct{ ID int }

func byMore(body io.Reader) (count int, err error) {
	decoder := json.NewDecoder(body)
	for decoder.More() {
		var value values
		if err := decoder.Decode(&value); err != nil {
			return count, err
		}
		count++
	}
	return count, nil
}

func byDecode(body io.Reader) (count int, err error) {
	decoder := json.NewDecoder(body)
	for {
		var value values
		if err := decoder.Decode(&value); err == io.EOF {
			return count, nil
		} else if err != nil {
			return count, err
		}
		count++
	}
}

func main() {
	bodies := []struct {
		name, text string
		whole      bool
	}{
		{"whole", "{\"id\":1}\n{\"id\":2}\n", true},
		{"broken between two values", "{\"id\":1}\n{\"id\":2}\n", false},
		{"broken within a value", "{\"id\":1}\n{\"id\":2}\n{\"id\":", false},
	}
	for _, body := range bodies {
		server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
			io.WriteString(answer, body.text)
			answer.(http.Flusher).Flush()
			if !body.whole {
				panic(http.ErrAbortHandler)
			}
		}))
		for _, way := range []struct {
			name string
			read func(io.Reader) (int, error)
		}{{"More", byMore}, {"Decode alone", byDecode}} {
			answer, err := http.Get(server.URL)
			if err != nil {
				panic(err)
			}
			count, err := way.read(answer.Body)
			fmt.Printf("%s, by %s: %d values, %v\n", body.name, way.name, count, err)
		}
		server.Close()
	}
}
GO
cat >expected <<'TEXT'
whole, by More: 2 values, <nil>
whole, by Decode alone: 2 values, <nil>
broken between two values, by More: 2 values, <nil>
broken between two values, by Decode alone: 2 values, unexpected EOF
broken within a value, by More: 2 values, unexpected EOF
broken within a value, by Decode alone: 2 values, unexpected EOF
TEXT
go version | cut -d' ' -f3
go run read.go | tee found
cmp -s expected found || { echo '  changed: expected'; cat expected; exit 1; }
