"""Fills a server with things to find, and narrows its API document so that requests find them.

What a request may hold is narrowed (known ids beside any id, short waits); what an answer may be is left as the server
says it. Only the standard library: it runs before anything is installed that could fail.
"""

import copy
import json
import sys
import urllib.error
import urllib.request

BASE, ADMIN, WORKER, FOLDER = sys.argv[1:5]


def call(method, path, body=None, key=ADMIN, kind="application/json"):
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data=data, method=method)
    request.add_header("Authorization", f"Bearer {key}")
    if data is not None:
        request.add_header("Content-Type", kind)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")
    return json.loads(text) if text else None


def image(outputs=2):
    return {"action": "image.generate", "params": {"prompt": "a lighthouse", "outputs": outputs}}


def lease(slots):
    asked = {"worker": "fuzz-1", "session": "fuzz", "pools": ["image", "video"], "slots": slots, "wait_seconds": 10}
    return [one["lease"] for one in call("POST", "/v1/worker/leases", asked, WORKER)["leases"]]


def fill():
    known = {}
    spaces = [
        {"id": "acme", "catalog": "kive", "plan": "pro", "owner": {"user": "u-1", "identity": "google"}},
        {"id": "large", "catalog": "kive", "plan": "enterprise"},
        {"id": "small", "catalog": "kive", "plan": "basic"},
        {"id": "daily", "catalog": "kira"},
        {"id": "flow", "catalog": "kreatorflow", "plan": "creator"},
        {"id": "team", "catalog": "ai-studios", "plan": "team", "seats": 3},
        {"id": "mira", "catalog": "kaiber", "plan": "explorer", "owner": {"user": "u-2"}},
    ]
    for body in spaces:
        call("POST", "/v1/workspaces", body)
    known["WorkspaceId"] = [body["id"] for body in spaces]
    call("POST", "/v1/workspaces", {"id": "doomed", "catalog": "kive"})
    known["CatalogName"] = ["kive", "kira", "kreatorflow", "ai-studios", "kaiber", "unit"]
    known["PlanName"] = ["free", "basic", "pro", "enterprise", "plus", "creator", "team", "explorer"]
    known["SourceName"] = ["plan", "pack", "promo", "adjustment"]
    known["ActionName"] = ["image.generate", "image.edit", "video.generate", "asset.upload"]
    known["PoolName"] = ["image", "video"]
    known["MemberId"] = ["ada", "bob"]
    bought = []
    for space, body in [
        ("acme", {"credits": 500, "payment": "p-1"}),
        ("acme", {"credits": 50, "payment": "p-2", "status": "pending"}),
        ("flow", {"pack": "starter", "payment": "p-3"}),
        ("daily", {"credits": 100, "payment": "p-4", "status": "pending"}),
    ]:
        bought.append(call("POST", f"/v1/workspaces/{space}/purchases", body)["id"])
    known["PurchaseId"] = bought
    asset = call("POST", "/v1/workspaces/acme/assets", b"some bytes", kind="image/png")
    known["AssetId"] = [asset["id"]]
    known["KeyId"] = [call("POST", "/v1/keys", {"role": "worker", "name": f"spare {n}"})["id"] for n in range(4)]
    jobs = [call("POST", "/v1/workspaces/large/jobs", image())["id"] for _ in range(14)]
    known["JobId"] = jobs
    first = lease(3)
    call("PUT", f"/v1/worker/leases/{first[0]}/outputs/0", b"a picture", WORKER, "image/png")
    done = {"outputs": [{"index": 0, "outcome": "landed"}, {"index": 1, "outcome": "filtered"}]}
    call("POST", f"/v1/worker/leases/{first[0]}/complete", done, WORKER)
    elsewhere = {"index": 0, "outcome": "landed", "url": "https://outputs.example/1.png", "sha256": "0" * 64, "size": 9}
    call("POST", f"/v1/worker/leases/{first[1]}/complete",
         {"outputs": [elsewhere, {"index": 1, "outcome": "failed"}]}, WORKER)
    call("POST", f"/v1/worker/leases/{first[2]}/fail", {"reason": "broken", "retryable": False}, WORKER)
    # The rest of the slots stays at work: these leases are live while the worker's calls are tried.
    known["LeaseId"] = first[:1] + lease(8)
    known["WorkerName"] = ["fuzz-1"]
    promotion = {"catalog": "kive", "source": "promo", "from": "2030-01-01T00:00:00Z", "to": "2030-02-01T00:00:00Z",
                 "factor": 2}
    call("PUT", "/v1/promotions/spring", promotion)
    call("PUT", "/v1/workspaces/acme/members/ada", {"limit": {"amount": 500, "window": "month"}})
    return known


def narrowed(document, known):
    narrow = copy.deepcopy(document)
    schemas = narrow["components"]["schemas"]
    for name, values in known.items():
        if name in schemas:
            anything = schemas[name]
            schemas[name] = {"anyOf": [{"type": "string", "enum": values}, anything]}
    for path, item in narrow["paths"].items():
        for operation in item.values():
            # The fuzzer can write JSON; the other types of the two calls that have more are for the other tests.
            content = operation.get("requestBody", {}).get("content", {})
            for media in [media for media in content if "application/json" in content and media != "application/json"]:
                del content[media]
            for parameter in operation.get("parameters", []):
                # A long poll that is asked for is answered late by right; it is not what is looked for here.
                ends = path.endswith(("/close", "/erase"))
                if ends and parameter.get("name") == "ws":
                    # What is closed refuses everything else: that shall not be all that is tried.
                    parameter["schema"] = {"type": "string", "enum": ["doomed", "nobody"]}
                    parameter["example"] = "doomed"
    # A long poll is answered late by right, which is not what is looked for here.
    waiting = narrow["paths"]["/v1/jobs/{id}"]["get"]
    waiting["parameters"] = [one for one in waiting["parameters"] if one.get("name") != "wait"]
    del schemas["LeaseRequest"]["properties"]["wait_seconds"]
    return narrow


def main():
    document = call("GET", "/openapi.json")
    known = fill()
    with open(f"{FOLDER}/narrowed.json", "w", encoding="utf-8") as file:
        json.dump(narrowed(document, known), file)
    count = {name: len(values) for name, values in known.items()}
    print(f"seeded: {count}")


main()
