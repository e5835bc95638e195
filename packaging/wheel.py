"""Writes a wheel that contains one program: wheel.py PROGRAM VERSION PLATFORM DOCUMENTS FOLDER. The form is that of the Python packaging
specifications: a zip archive whose `data/scripts` are installed as commands."""

import base64
import hashlib
import os
import pathlib
import sys
import time
import zipfile

NAME = "belfry_scheduler"
METADATA = """Metadata-Version: 2.4
Name: belfry-scheduler
Version: {version}
Summary: Self-hosted task scheduler: date, interval, cron and idle triggers, web pages, a JSON API, every run recorded
License-Expression: MIT OR Apache-2.0
License-File: LICENSE-MIT
License-File: LICENSE-APACHE
License-File: THIRD_PARTY.md
Classifier: Environment :: Web Environment
Classifier: Topic :: System :: Systems Administration
Description-Content-Type: text/markdown

{readme}"""
WHEEL = "Wheel-Version: 1.0\nGenerator: belfry\nRoot-Is-Purelib: false\nTag: py3-none-{platform}\n"


def digest(data):
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def main():
    program, version, platform, documents, folder = sys.argv[1:]
    program, documents = pathlib.Path(program), pathlib.Path(documents)
    info, data = f"{NAME}-{version}.dist-info", f"{NAME}-{version}.data"
    at = time.gmtime(max(int(os.environ["SOURCE_DATE_EPOCH"]), 315532800))[:6]
    readme = (documents / "README.md").read_text(encoding="utf-8")
    files = {f"{data}/scripts/{program.name}": program.read_bytes()}
    files |= {f"{info}/licenses/{name}": (documents / name).read_bytes() for name in ("LICENSE-MIT", "LICENSE-APACHE", "THIRD_PARTY.md")}
    files[f"{info}/METADATA"] = METADATA.format(version=version, readme=readme).encode()
    files[f"{info}/WHEEL"] = WHEEL.format(platform=platform).encode()
    record = [f"{name},{digest(content)},{len(content)}" for name, content in files.items()] + [f"{info}/RECORD,,"]
    files[f"{info}/RECORD"] = ("\n".join(record) + "\n").encode()
    wheel = pathlib.Path(folder) / f"{NAME}-{version}-py3-none-{platform}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, at)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if "/scripts/" in name else 0o100644) << 16
            archive.writestr(entry, content)
    print(wheel)


if __name__ == "__main__":
    main()
