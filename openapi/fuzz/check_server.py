"""Checks after fuzzing that the server is still ready and has logged no errors."""

import os
import pathlib
import sys
import urllib.request

with urllib.request.urlopen(os.environ["BELFRY_URL"] + "/readyz") as answer:
    assert answer.status == 200

log = pathlib.Path(os.environ["BELFRY_FOLDER"], "log").read_text(errors="replace").splitlines()
faults = [line for line in log if " ERROR " in line]
for line in faults[:20]:
    print(line[:1000], file=sys.stderr)
sys.exit(f"{len(faults)} errors in the log" if faults else 0)
