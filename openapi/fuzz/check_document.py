"""Checks that the served document equals the committed one, in JSON and YAML."""

import json
import os
import pathlib
import urllib.request

import yaml

COMMITTED = pathlib.Path(__file__).parent.parent


def served(name):
    with urllib.request.urlopen(f"{os.environ['BELFRY_URL']}/{name}") as answer:
        return answer.read().decode()


class Loader(yaml.SafeLoader):
    """Loads times as strings, as in JSON."""


Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

document = json.loads(served("openapi.json"))
assert yaml.load(served("openapi.yaml"), Loader) == document, "YAML and JSON differ"
assert json.loads((COMMITTED / "openapi.json").read_text()) == document, "the committed JSON differs"
assert yaml.load((COMMITTED / "openapi.yaml").read_text(), Loader) == document, "the committed YAML differs"
