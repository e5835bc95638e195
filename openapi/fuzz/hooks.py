"""Keeps the fuzzer from taking away its own way in, and lets more of what it makes up through the first check."""

import itertools
import json
import os
import urllib.request

import schemathesis

BASE = os.environ["BELFRY_URL"] + "/api/v1"


def read(path):
    request = urllib.request.Request(BASE + path, headers={"Authorization": "Bearer " + os.environ["BELFRY_TOKEN"]})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


ACCOUNT = read("/me")["name"]
TOKENS = {token["id"] for token in read("/tokens")}
COUNT = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    keep_the_way_in(case)
    if next(COUNT) % 2 and case.meta and case.meta.generation.mode.is_positive:
        give_a_known_type(case)


def keep_the_way_in(case):
    place = case.operation.path
    given = case.path_parameters or {}
    if place == "/users/{name}" and str(given.get("name")).lower() == ACCOUNT:
        given["name"] = "somebody"
    if place == "/tokens/{id}" and given.get("id") in TOKENS:
        given["id"] = "none"


def give_a_known_type(case):
    """A made-up type is refused before triggers and policies are looked at closely: every other body names a real one."""
    body = case.body
    if case.operation.path.startswith("/tasks") and isinstance(body, dict) and "type" in body:
        body.update(type="echo", params={"message": "made up"})
        body.pop("chain", None)
