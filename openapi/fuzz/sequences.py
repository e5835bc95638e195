"""Random sequences of calls (create, run, chain, delete, recreate) by two roles at once: an administrator and an editor limited to a
tag. Checks that every response is documented and none is a 5xx, that the editor sees nothing without the tag, and that at the end
every run has ended and no chain forms a loop. BELFRY_FUZZ_SEED repeats a run as far as the order of threads allows."""

import json
import os
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ["BELFRY_URL"]
SECONDS = max(5, int(os.environ.get("BELFRY_FUZZ_SECONDS", "60")) // 6)
SEED = int(os.environ.get("BELFRY_FUZZ_SEED", random.randrange(1 << 32)))
IDS = [f"sequence-{letter}" for letter in "abcdef"]
PASSWORD = "correct horse battery"
TIMEOUT = 60


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def send(method, path, headers, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **headers} if data else headers
    request = urllib.request.Request(URL + path, data, headers, method=method)
    try:
        with OPENER.open(request, timeout=TIMEOUT) as answer:
            status, text, cookie = answer.status, answer.read(), answer.headers.get("Set-Cookie")
    except urllib.error.HTTPError as error:
        status, text, cookie = error.code, error.read(), error.headers.get("Set-Cookie")
    return status, text, cookie


PATHS = json.loads(send("GET", "/openapi.json", {})[1])["paths"]


class Role:
    """The calls of one account."""

    def __init__(self, name, token):
        self.name, self.headers = name, {"Authorization": "Bearer " + token}
        self.random = random.Random(f"{SEED}-{name}")
        self.calls = {}

    def call(self, method, template, id=None, body=None):
        status, text, _ = send(method, "/api/v1" + template.replace("{id}", id or ""), self.headers, body)
        documented = PATHS[template.split("?")[0]][method.lower()]["responses"]
        assert str(status) in documented and status < 500, f"{self.name}: {method} {template} {id}: {status} {text[:500]}"
        key = (method, template, status)
        self.calls[key] = self.calls.get(key, 0) + 1
        return status, json.loads(text) if text else None

    def chain(self):
        return [{"on": "always", "task": id} for id in self.random.sample(IDS, self.random.randint(0, 2))]

    def task(self, id):
        tags = ["red"] if self.name == "editor" or self.random.random() < 0.5 else []
        trigger = {"type": "interval", "hours": self.random.randint(1, 100)}
        return {"id": id, "type": "echo", "tags": tags, "trigger": trigger, "params": {"message": self.name}, "chain": self.chain()}

    def step(self):
        id = self.random.choice(IDS)
        kind = self.random.choice(["create", "create", "run", "run", "chain", "delete", "recreate", "pause", "list"])
        if kind in ("delete", "recreate"):
            self.call("DELETE", "/tasks/{id}", id)
        if kind in ("create", "recreate"):
            self.call("POST", "/tasks", body=self.task(id))
        if kind == "run":
            self.call("POST", "/tasks/{id}/run", id)
        if kind == "chain":
            self.call("PATCH", "/tasks/{id}", id, {"chain": self.chain()})
        if kind == "pause":
            self.call("POST", self.random.choice(["/tasks/{id}/pause", "/tasks/{id}/resume"]), id)
        if kind == "list":
            seen = self.call("GET", "/tasks?page_size=100")[1]["items"]
            assert self.name != "editor" or all("red" in task["tags"] for task in seen), seen


def token_of(name):
    """Signs in on the page and creates a token."""
    form = urllib.parse.urlencode({"name": name, "password": PASSWORD}).encode()
    request = urllib.request.Request(URL + "/login", form, {"Sec-Fetch-Site": "same-origin"})
    try:
        OPENER.open(request, timeout=TIMEOUT)
        raise AssertionError("the sign-in was refused")
    except urllib.error.HTTPError as answer:
        assert answer.code == 303, answer.read()
        cookie = next(value.split(";")[0] for value in answer.headers.get_all("Set-Cookie") if value.startswith("belfry_session="))
    status, text, _ = send("POST", "/api/v1/tokens", {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}, {"name": "sequences"})
    assert status == 201, text
    return json.loads(text)["token"]


def work(role, until, errors):
    try:
        while time.monotonic() < until and not errors:
            role.step()
    except Exception as error:  # shown by the main thread
        errors.append(error)


def assert_no_loop(chains):
    """Removes tasks that start none of the others until none is left."""
    while chains:
        ends = [id for id, links in chains.items() if not set(links) & set(chains)]
        assert ends, f"a loop: {chains}"
        chains = {id: links for id, links in chains.items() if id not in ends}


def main():
    print(f"sequences: seed {SEED}, {SECONDS} s")
    admin = Role("admin", os.environ["BELFRY_TOKEN"])
    account = {"name": "sequence-editor", "role": "editor", "password": PASSWORD, "tags": ["red"]}
    assert send("POST", "/api/v1/users", admin.headers, account)[0] == 201
    editor, errors = Role("editor", token_of(account["name"])), []
    until = time.monotonic() + SECONDS
    # Each role twice, so that calls of one role meet as well.
    roles = [admin, editor, Role("admin", os.environ["BELFRY_TOKEN"]), Role("editor", editor.headers["Authorization"].split()[1])]
    threads = [threading.Thread(target=work, args=(role, until, errors)) for role in roles]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    if errors:
        raise errors[0]
    found = {id: admin.call("GET", "/tasks/{id}", id) for id in IDS}
    chains = {id: [link["task"] for link in task["chain"]] for id, (status, task) in found.items() if status == 200}
    assert_no_loop(chains)
    for id in IDS:
        admin.call("DELETE", "/tasks/{id}", id)
    until = time.monotonic() + TIMEOUT
    while open_runs := [run["task_id"] for status in ("queued", "running")
                        for run in json.loads(send("GET", f"/api/v1/executions?status={status}", admin.headers)[1])["items"]
                        if run["task_id"] in IDS]:
        assert time.monotonic() < until, f"runs that never ended: {open_runs}"
        time.sleep(0.1)
    print(f"sequences: {sum(sum(role.calls.values()) for role in roles)} calls, {len({key for role in roles for key in role.calls})} kinds of responses")


main()
