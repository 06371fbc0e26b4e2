#!/usr/bin/env bash
# One would guess: a library of protobuf that makes a message of an object refuses what the field cannot hold, as Python's `protobuf` does (`json_format.ParseDict`): a text with a unit for
# an integer, a number beyond 32 bits, a text for a boolean, the misspelt name of an enum or of a field.
# What happens: `fromObject` of npm's `protobufjs` 8.8.1 takes all of them. "10 GB" is 10 for an int64 and 0 for an int32, 5000000000 wraps to 705032704 in an int32, and 1.5 is 1; "false" is true;
# the unknown name of an enum is the default, and the unknown field is left out. `verify`, asked before, takes the number that wraps and the unknown field, and refuses "9007199254740993" for an int64,
# the text in which ProtoJSON writes it. Asked behind `fromObject` it has nothing to say.
# Who meets it: clients and servers of gRPC on Node: `@grpc/proto-loader` 0.8.1 (with its protobufjs 7.6.6), by which `@grpc/grpc-js` loads a .proto, sends what `fromObject` made; and producers that
# encode JSON for Kafka. What helps: check the object by a schema before it, or take @bufbuild/protobuf's `fromJson`.
set -euo pipefail
PROTOBUFJS=8.8.1 PROTO_LOADER=0.8.1 ITS_PROTOBUFJS=7.6.6 PYTHON_PROTOBUF=7.36.2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >package.json <<JSON
{"dependencies": {"protobufjs": "$PROTOBUFJS", "@grpc/proto-loader": "$PROTO_LOADER"},
 "overrides": {"@grpc/proto-loader": {"protobufjs": "$ITS_PROTOBUFJS"}}}
JSON
npm install --silent
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "protobuf==$PYTHON_PROTOBUF"
cat >orders.proto <<'PROTO'
syntax = "proto3";
enum State { UNKNOWN = 0; PAID = 1; }
message Order { int32 size = 1; int64 limit = 2; bool gift = 3; State state = 4; }
service Orders { rpc Put(Order) returns (Order); }
PROTO
cat >orders.jsonl <<'JSON'
{"limit": "9007199254740993"}
{"limit": "10 GB"}
{"size": "10 GB"}
{"size": 5000000000}
{"size": 1.5}
{"gift": "false"}
{"state": "PIAD"}
{"szie": 5}
JSON
cat >read.js <<'JS'
const { readFileSync } = require('fs')
const Order = require('protobufjs').loadSync('orders.proto').lookupType('Order')
const { requestSerialize } = require('@grpc/proto-loader').loadSync('orders.proto').Orders.Put
for (const line of readFileSync('orders.jsonl', 'utf8').trim().split('\n')) {
  const order = JSON.parse(line)
  const made = Order.fromObject(order)
  const show = bytes => JSON.stringify(Order.toObject(Order.decode(bytes), { longs: String, enums: String }))
  const verify = found => found === null ? 'takes' : 'refuses'
  console.log(`${line}: ${show(Order.encode(made).finish())}, by gRPC ${show(requestSerialize(order))}; verify before ${verify(Order.verify(order))}, behind ${verify(Order.verify(made))}`)
}
JS
# The same .proto, made without a compiler.
cat >read.py <<'PY'
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

types = descriptor_pb2.FieldDescriptorProto
file = descriptor_pb2.FileDescriptorProto(name='orders.proto', syntax='proto3')
state = file.enum_type.add(name='State')
state.value.add(name='UNKNOWN', number=0)
state.value.add(name='PAID', number=1)
order = file.message_type.add(name='Order')
for number, (name, kind) in enumerate([('size', types.TYPE_INT32), ('limit', types.TYPE_INT64), ('gift', types.TYPE_BOOL), ('state', types.TYPE_ENUM)], 1):
    order.field.add(name=name, number=number, type=kind, label=types.LABEL_OPTIONAL, type_name='.State' if name == 'state' else None)
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
Order = message_factory.GetMessageClass(pool.FindMessageTypeByName('Order'))
found = []
for line in open('orders.jsonl'):
    try:
        json_format.Parse(line, Order())
        found.append('takes')
    except json_format.ParseError:
        found.append('refuses')
print('Python:', *found)
PY
echo "protobufjs $PROTOBUFJS; by gRPC: @grpc/proto-loader $PROTO_LOADER with protobufjs $ITS_PROTOBUFJS; Python's protobuf $PYTHON_PROTOBUF"
{
  node read.js
  python/bin/python read.py
} | tee seen
cat >expected <<'TEXT'
{"limit": "9007199254740993"}: {"limit":"9007199254740993"}, by gRPC {"limit":"9007199254740993"}; verify before refuses, behind takes
{"limit": "10 GB"}: {"limit":"10"}, by gRPC {"limit":"10"}; verify before refuses, behind takes
{"size": "10 GB"}: {}, by gRPC {}; verify before refuses, behind takes
{"size": 5000000000}: {"size":705032704}, by gRPC {"size":705032704}; verify before takes, behind takes
{"size": 1.5}: {"size":1}, by gRPC {"size":1}; verify before refuses, behind takes
{"gift": "false"}: {"gift":true}, by gRPC {"gift":true}; verify before refuses, behind takes
{"state": "PIAD"}: {}, by gRPC {}; verify before refuses, behind takes
{"szie": 5}: {}, by gRPC {}; verify before takes, behind takes
Python: takes refuses refuses refuses refuses refuses refuses refuses
TEXT
cmp -s seen expected || { echo 'changed: expected'; cat expected; exit 1; }
