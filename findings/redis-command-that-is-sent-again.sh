#!/usr/bin/env bash
# One would guess: when the connection breaks before an answer has come, a client of Redis sends again what may be sent twice, and raises an error
# for the rest: nobody knows whether LPOP has taken its value, and the server has no way to tell a second XADD from the first.
# What happens: PyPI's `redis` 8.1.0, Go's `go-redis` v9.22.0 and npm's `ioredis` 5.11.1 send every command again, unasked. XADD adds its entry twice and returns
# one id. The value that LPOP took is gone, and the next one is returned in its place. XREADGROUP with `>` returns the next entry; the
# one of the lost answer waits as a pending one for somebody to ask for it. npm's `redis` 6.3.1 raises an error for all three.
# Who meets it: consumers and producers behind a load balancer, a proxy or a failover. The program sees no error, so that nothing in it can help;
# a reader of a group has to ask for its pending entries (`0`) from time to time. XREAD may be sent again.
set -euo pipefail
REDIS=5:7.0.15-1~deb12u9 PYTHON=8.1.0 GO=v9.22.0 IOREDIS=5.11.1 NODE=6.3.1
