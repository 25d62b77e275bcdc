"""Deliveries of a real server, verified as receivers do: verify.py REEVE DATA [VERIFY.MJS]."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

KEY = "admin-key-of-the-verifiers-0123456789"
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
heard = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        heard.append(({name: self.headers[name] for name in SIGNED}, body.decode()))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def call(url, body):
    data = json.dumps(body).encode()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        return json.loads(answer.read())


def wait_for(count):
    until = time.monotonic() + 30
    while len(heard) < count:
        assert time.monotonic() < until, f"{len(heard)} of {count} deliveries arrived"
        time.sleep(0.02)


def python_takes(secret, headers, body):
    try:
        Webhook(secret).verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


def node_takes(script, cases):
    lines = "".join(json.dumps({"secret": s, "headers": h, "body": b}) + "\n" for s, h, b in cases)
    done = subprocess.run(["node", script], input=lines, capture_output=True, text=True, check=True)
    return [line == "taken" for line in done.stdout.split()]


def story(reeve, hook):
    """Deliveries signed by one secret, then by two; what each case is and whether it must be taken."""
    made = call(f"{reeve}/v1/webhooks", {"url": hook})
    path = f"{reeve}/v1/webhooks/{made['webhook']['id']}"
    old = made["secret"]
    call(f"{path}/test", {})
    call(f"{reeve}/v1/workspaces", {"id": "acme", "catalog": "kira", "plan": "free"})
    wait_for(2)
    one_secret = list(heard)
    new = call(f"{path}/rotate", {"overlap_seconds": 600})["secret"]
    count = len(heard)
    call(f"{path}/test", {})
    wait_for(count + 1)
    two_secrets = heard[count:]
    cases = [(old, *one, True) for one in one_secret] + [(new, *one, False) for one in one_secret]
    cases += [(secret, *one, True) for one in two_secrets for secret in (old, new)]
    headers, body = one_secret[0]
    other_id = {**headers, "webhook-id": headers["webhook-id"] + "0"}
    stale = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 3600)}
    cases += [(old, headers, body + " ", False), (old, other_id, body, False), (old, stale, body, False)]
    return cases


def main(reeve, data, script):
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    settings = {
        "REEVE_ADMIN_KEY": KEY,
        "REEVE__WEBHOOKS__ALLOW_HTTP": "true",
        "REEVE__WEBHOOKS__ALLOW_ADDRESSES": "127.0.0.0/8",
        "REEVE__LOG__LEVEL": "error",
    }
    server = subprocess.Popen(
        [reeve, "serve", "--listen", "127.0.0.1:0", "--data", data],
        env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True,
    )
    try:
        url = server.stdout.readline().removeprefix("listening on ").strip()
        cases = story(url, f"http://127.0.0.1:{receiver.server_port}/hook")
    finally:
        server.terminate()
        server.wait()
    expected = [taken for *_, taken in cases]
    assert [python_takes(*case[:3]) for case in cases] == expected, "standardwebhooks of PyPI differs"
    print(f"standardwebhooks of PyPI agrees on {len(cases)} cases")
    if script:
        assert node_takes(script, [case[:3] for case in cases]) == expected, "standardwebhooks of npm differs"
        print(f"standardwebhooks of npm agrees on {len(cases)} cases")


main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
