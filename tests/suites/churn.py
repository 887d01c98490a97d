"""Clients of the API at once: churn.py SOCKET CLIENTS SECONDS SEED [tolerant]

Each makes, starts, looks at, runs programs in, stops and removes containers, networks and volumes of its own. An answer of 500, or one
that is no answer, is a failure; with `tolerant` a connection that breaks is none, since the server is being killed.
"""

import http.client
import json
import random
import socket
import sys
import threading
import time

path, clients, seconds, seed = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
tolerant = len(sys.argv) > 5
deadline = time.monotonic() + seconds
failures, lock, count = [], threading.Lock(), [0]


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(path)


def ask(method, target, body=None):
    connection = Connection("d")
    try:
        data = json.dumps(body) if body is not None else None
        connection.request(method, target, data, {"Content-Type": "application/json"} if data else {})
        answer = connection.getresponse()
        text = answer.read()
        with lock:
            count[0] += 1
        if answer.status == 500:
            raise AssertionError(f"500: {method} {target}: {text.decode(errors='replace')[:300]}")
        return answer.status, text
    except (OSError, http.client.HTTPException) as error:
        if not tolerant:
            raise AssertionError(f"no answer: {method} {target}: {error!r}") from error
        time.sleep(0.05)
        return 0, b""
    finally:
        connection.close()


def container(name, chance):
    command = chance.choice([["true"], ["sh", "-c", "echo out; echo err >&2"], ["sleep", "1000"]])
    host = {"NetworkMode": "none", "AutoRemove": chance.random() < 0.3}
    ask("POST", f"/containers/create?name={name}", {"Image": "busybox", "Cmd": command, "HostConfig": host})
    ask("POST", f"/containers/{name}/start")
    for _ in range(chance.randrange(4)):
        what = chance.randrange(5)
        if what == 0:
            ask("GET", f"/containers/{name}/json")
        elif what == 1:
            ask("GET", f"/containers/{name}/logs?stdout=1&stderr=1")
        elif what == 2:
            ask("GET", "/containers/json?all=1")
        elif what == 3:
            ask("GET", f"/containers/{name}/stats?stream=0&one-shot=1")
        else:
            status, text = ask("POST", f"/containers/{name}/exec", {"Cmd": ["true"], "AttachStdout": True})
            if status == 201:
                ask("POST", f"/exec/{json.loads(text)['Id']}/start", {})
    ask("DELETE", f"/containers/{name}?force=1&v=1")


def run(number):
    chance, turn = random.Random(seed * 1000 + number), 0
    try:
        while time.monotonic() < deadline:
            turn += 1
            what = chance.randrange(6)
            if what == 0:
                name = f"vol-{number}-{turn}"
                ask("POST", "/volumes/create", {"Name": name})
                ask("DELETE", f"/volumes/{name}")
            elif what == 1:
                ask("GET", "/info")
                ask("GET", "/images/json")
                ask("GET", "/events?until=1")
            else:
                container(f"churn-{number}-{turn}", chance)
    except AssertionError as error:
        failures.append(str(error))


threads = [threading.Thread(target=run, args=(n,)) for n in range(clients)]
[t.start() for t in threads]
[t.join() for t in threads]
print(f"    {count[0]} requests of {clients} clients")
if failures:
    sys.exit("\n".join(failures[:5]))
