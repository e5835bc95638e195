"""Tests Belfry behind a proxy: unbuffered event streams, same-origin sign-in, the client's address in the audit log, and that everything is
below the URL's path. The argument is the URL behind the proxy; its certificate is self-signed."""

import json
import os
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

BASE = sys.argv[1]
ORIGIN = "/".join(BASE.split("/")[:3])
PATH = BASE[len(ORIGIN):]
TRUSTED = os.environ.get("PROXY_IS_TRUSTED") == "yes"
TIMEOUT = 30
unverified = ssl.create_default_context()
unverified.check_hostname = False
unverified.verify_mode = ssl.CERT_NONE


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=unverified), NoRedirect)


def ask(method, path, body=None, **headers):
    data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, {name.replace("_", "-"): text for name, text in headers.items()}, method=method)
    try:
        return opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as answer:
        return answer


def api(method, path, body=None, **headers):
    answer = ask(method, "/api/v1" + path, body, Authorization="Bearer " + os.environ["BELFRY_TOKEN"], Content_Type="application/json", **headers)
    assert answer.status < 300, (path, answer.status, answer.read())
    return json.loads(answer.read() or "null")


def wait_for_event(stream, task):
    """Runs the task and waits for its event, which must arrive while the stream is open: the proxy must not buffer it."""
    api("POST", f"/tasks/{task}/run", {})
    for line in stream:
        if line.startswith(b"data:") and task.encode() in line:
            return
    raise AssertionError("the stream ended")


task = "behind-" + ORIGIN.rsplit(":", 1)[1]
api("POST", "/tasks", {"id": task, "type": "echo", "trigger": {"type": "interval", "hours": 1}, "params": {"message": "hello"}})
with ask("GET", "/events", Authorization="Bearer " + os.environ["BELFRY_TOKEN"]) as stream:
    assert stream.headers["content-type"].startswith("text/event-stream"), stream.headers
    wait_for_event(stream, task)

# A client cannot forge its address by sending the proxy's headers.
api("POST", f"/tasks/{task}/pause", X_Forwarded_For="203.0.113.9", Forwarded="for=203.0.113.9")
entry = api("GET", f"/audit?action=task.pause&target=task:{task}")["items"][0]
assert entry["address"] == "127.0.0.1", entry

name, password = "person-" + task, "correct horse battery"
api("POST", "/users", {"name": name, "role": "editor", "password": password})
form = urllib.parse.urlencode({"name": name, "password": password, "next": "/"})
kind = "application/x-www-form-urlencoded"
assert ask("POST", "/login", form, Content_Type=kind, Origin="https://elsewhere.example").status == 403
signed_in = ask("POST", "/login", form, Content_Type=kind, Origin=ORIGIN)
cookie = next((text for text in signed_in.headers.get_all("set-cookie") or [] if text.startswith("belfry_session=")), "")
assert signed_in.status in (302, 303) and cookie, (signed_in.status, signed_in.read()[:500])
assert not TRUSTED or not BASE.startswith("https") or "Secure" in cookie, cookie
session = cookie.split(";")[0]
assert ask("GET", "/tasks", Cookie=session).status == 200
answer = ask("POST", f"/api/v1/tasks/{task}/resume", Cookie=session, Origin=ORIGIN)
assert answer.status == 200, (answer.status, answer.read())

# Every address that a page, a redirect, a cookie, the description of the API or the live updates name is below the path.
assert signed_in.headers["location"] == PATH + "/", signed_in.headers["location"]
assert f"Path={PATH}/" in cookie, cookie
moved = ask("GET", "/tasks")
assert moved.status == 303 and moved.headers["location"].startswith(PATH + "/login"), moved.headers["location"]


def links(html):
    return set(re.findall(r'\s(?:href|src|action|hx-get|hx-post|data-editor|data-source)="(/[^"#]*)', html))


seen, waiting = set(), ["/"]
while waiting and len(seen) < 200:
    page = waiting.pop()
    answer = ask("GET", page, Cookie=session)
    text = answer.read().decode(errors="replace")
    # Forms are not fetched: they only answer to POST.
    assert answer.status in (200, 303, 400, 403, 404, 405, 422), (page, answer.status)
    if "text/html" not in answer.headers["content-type"]:
        continue
    for link in links(text):
        assert link.startswith(PATH + "/"), (page, link)
        link = link[len(PATH):].replace("&amp;", "&")
        if link not in seen and not re.search("/(logout|preferences|export|download)", link):
            seen.add(link)
            waiting.append(link)
assert len(seen) > 30 and any("/static/app.css" in link for link in seen), seen
assert ask("GET", next(link for link in seen if "/static/app.css" in link)).status == 200
with ask("GET", "/live", Cookie=session) as stream:
    assert stream.headers["content-type"].startswith("text/event-stream"), stream.headers
    assert b"hello" in stream.readline() + stream.readline()
document = json.loads(ask("GET", "/openapi.json").read())
server = urllib.parse.urljoin(BASE + "/openapi.json", document["servers"][0]["url"])
assert server == BASE + "/api/v1", server
for name in re.findall(r'(?:href|src)="(docs/[^"]+)"', ask("GET", "/docs").read().decode()):
    assert ask("GET", "/" + name).status == 200, name

print(f"behind {BASE}: ok")
