"""The document is one and the same in JSON and YAML, as it is served and as it is committed."""

import json
import os
import pathlib
import urllib.request

import yaml

COMMITTED = pathlib.Path(__file__).parent.parent


def served(name):
    with urllib.request.urlopen(f"{os.environ['BELFRY_URL']}/{name}") as answer:
        return answer.read().decode()


class Plain(yaml.SafeLoader):
    """Times stay the texts that they are in JSON."""


Plain.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

document = json.loads(served("openapi.json"))
assert yaml.load(served("openapi.yaml"), Plain) == document, "YAML and JSON differ"
assert json.loads((COMMITTED / "openapi.json").read_text()) == document, "the committed JSON is another"
assert yaml.load((COMMITTED / "openapi.yaml").read_text(), Plain) == document, "the committed YAML is another"
