#!/usr/bin/env python3
"""Lists the crates that are linked into Belfry: their licences with the texts (--markdown) and a CycloneDX SBOM (--sbom)."""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tomllib
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEXTS = re.compile(r"^(licen[cs]e|copying|notice|copyright|unlicense)([-._].*)?$", re.IGNORECASE)


def linked(target):
    """The packages that are reached from Belfry by normal dependencies, without procedural macros."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--features", "oracle", "--filter-platform", target]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    root = found["resolve"]["root"]
    edges, waiting = {}, [root]
    while waiting:
        package = waiting.pop()
        if package in edges:
            continue
        normal = [one["pkg"] for one in nodes[package]["deps"] if any(kind["kind"] is None for kind in one["dep_kinds"])]
        edges[package] = [one for one in normal if not is_macro(packages[one])]
        waiting.extend(edges[package])
    return packages[root], {package: packages[package] for package in edges if package != root}, edges


def is_macro(package):
    return any("proc-macro" in target["kind"] for target in package["targets"])


def checksums():
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


def licence(package):
    """The SPDX expression; some crates write a slash for OR."""
    return (package["license"] or "see its licence file").replace("/", " OR ")


def sort_key(package):
    return package["name"], package["version"]


def markdown(packages):
    lines = ["# Third-party software", "", "Belfry contains these Rust crates. It also embeds the files below `static/vendor`, whose",
             "licences are beside them, and SQLite (public domain).", "", "| crate | version | licence |", "| --- | --- | --- |"]
    texts = {}
    for package in sorted(packages, key=sort_key):
        name = package["name"]
        link = f"[{name}]({package['repository']})" if package["repository"] else name
        lines.append(f"| {link} | {package['version']} | {licence(package)} |")
        folder = pathlib.Path(package["manifest_path"]).parent
        for file in sorted(folder.iterdir()):
            if file.is_file() and TEXTS.match(file.name):
                text = "\n".join(line.rstrip() for line in file.read_text(errors="replace").strip().splitlines())
                texts.setdefault(text, []).append(f"{name} {package['version']}")
    lines += ["", "## Licence texts"]
    for text, users in sorted(texts.items(), key=lambda item: item[1]):
        lines += ["", "### " + ", ".join(dict.fromkeys(users)), "", "```text", text.replace("```", "'''"), "```"]
    return "\n".join(lines) + "\n"


def url(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, kind, checksum):
    found = {"type": kind, "bom-ref": url(package), "name": package["name"], "version": package["version"], "purl": url(package),
             "licenses": [{"expression": licence(package)}]}
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        found["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return found


def sbom(root, packages, edges):
    known = checksums()
    components = [component(package, "library", known.get((package["name"], package["version"])))
                  for package in sorted(packages.values(), key=sort_key)]
    names = {identifier: url(package) for identifier, package in packages.items()}
    dependencies = [{"ref": names.get(identifier, url(root)), "dependsOn": sorted({names[one] for one in needed})}
                    for identifier, needed in edges.items()]
    digest = hashlib.sha256(json.dumps(components).encode()).digest()
    at = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}",
        "version": 1,
        "metadata": {"timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": component(root, "application", None)},
        "components": components,
        "dependencies": sorted(dependencies, key=lambda one: one["ref"]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="x86_64-unknown-linux-gnu")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--sbom", type=pathlib.Path, metavar="FILE")
    given = parser.parse_args()
    root, packages, edges = linked(given.target)
    if given.markdown:
        given.markdown.write_text(markdown(packages.values()), encoding="utf-8")
    if given.sbom:
        given.sbom.write_text(json.dumps(sbom(root, packages, edges), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
