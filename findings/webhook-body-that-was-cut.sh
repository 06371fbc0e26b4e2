#!/usr/bin/env bash
# One would guess: a server in Python that reads the body of a request whose sender goes away in its middle gets an error, as with Flask's own server:
# `Content-Length` says how much was meant.
# What happens: under gunicorn 27.0.1 Flask 3.1.3 and Django 5.2.19 take 4 of 100 bytes for the body, and do with it what they do with a whole one. Under waitress
# 3.0.2 the view is never called, and Flask's own server refuses it. gunicorn says that it ends the input by itself (`wsgi.input_terminated`), whereupon
# Flask does not look any more.
# Who meets it: receivers of webhooks and uploads that are lines, CSV or bytes, where the front is as good as the whole. The sender, who has no answer, sends
# again, and the first is there twice. What helps: compare the length of the body with that of the header.
set -euo pipefail
GUNICORN=27.0.1 FLASK=3.1.3 WERKZEUG=3.1.9 DJANGO=5.2.19 WAITRESS=3.0.2
dir=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check "gunicorn==$GUNICORN" "flask==$FLASK" "werkzeug==$WERKZEUG" "django==$DJANGO" "waitress==$WAITRESS"
cat >by_flask.py <<'PY'
from flask import Flask, request

app = Flask(__name__)

@app.post('/')
def hook():
    with open('views', 'a') as views:
        print('view', end=' ', file=views, flush=True)
        print(len(request.get_data()), end=' ', file=views)
    return 'taken'
PY
cat >by_django.py <<'PY'
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

def hook(request):
    with open('views', 'a') as views:
        print('view', end=' ', file=views, flush=True)
        print(len(request.body), end=' ', file=views)
    return HttpResponse('taken')

urlpatterns = [path('', hook)]
settings.configure(ROOT_URLCONF='by_django', ALLOWED_HOSTS=['*'], SECRET_KEY='none')
app = get_wsgi_application()
PY
cat >send.py <<'PY'
import socket
import sys
for body in [b'1,2\n', b'1,2\n' * 25]:
    sender = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
    sender.sendall(b'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/csv\r\nContent-Length: 100\r\n\r\n' + body)
    sender.shutdown(socket.SHUT_WR)
    # Until the server has done with it.
    try:
        while sender.recv(1000):
            pass
    except ConnectionResetError:
        pass
PY
wrong=0
expect() { # NAME EXPECTED COMMAND…
  local found port
  port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
  : >views
  "${@:3}" "$port" >>server.log 2>&1 &
  server=$!
  until (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do kill -0 "$server" || { cat server.log; exit 2; }; sleep 0.1; done
  python3 send.py "$port"
  kill "$server"
  wait "$server" || true
  found=$(<views)
  echo "$1: $found"
  [ "$found" = "$2" ] || { echo "  changed: expected $2"; wrong=1; }
}
by_gunicorn() { exec python/bin/gunicorn -k "$1" -b "127.0.0.1:$3" "$2:app"; }
by_waitress() { exec python/bin/waitress-serve --listen "127.0.0.1:$2" "$1:app"; }
by_werkzeug() { exec python/bin/flask --app by_flask run --port "$1"; }
echo 'what a view notes, of a body that was cut and a whole one: that it was called, and the length that it reads'
for worker in sync gthread; do
  expect "gunicorn $GUNICORN ($worker), Flask $FLASK" 'view 4 view 100 ' by_gunicorn $worker by_flask
  expect "gunicorn $GUNICORN ($worker), Django $DJANGO" 'view 4 view 100 ' by_gunicorn $worker by_django
done
expect "waitress $WAITRESS, Flask $FLASK" 'view 100 ' by_waitress by_flask
expect "waitress $WAITRESS, Django $DJANGO" 'view 100 ' by_waitress by_django
expect "Flask's own server" 'view view 100 ' by_werkzeug
exit $wrong
