"""Parses a mail as a mail program would and prints it as JSON: decoded headers, and parts with their names and contents."""

import base64
import email
import email.policy
import json
import sys

with open(sys.argv[1], "rb") as file:
    raw = file.read()
mail = email.message_from_bytes(raw, policy=email.policy.default)

parts = []
for part in mail.walk():
    if part.is_multipart():
        continue
    content = part.get_payload(decode=True)
    parts.append({
        "type": part.get_content_type(),
        "charset": part.get_content_charset(),
        "name": part.get_filename(),
        "disposition": part.get_content_disposition(),
        "text": content.decode("utf-8", "replace"),
        "base64": base64.b64encode(content).decode(),
    })

print(json.dumps({
    "headers": {name.lower(): str(value) for name, value in mail.items()},
    "names": [name.lower() for name in mail.keys()],
    "kind": mail.get_content_type(),
    "parts": parts,
    "lines": max(len(line) for line in raw.split(b"\r\n")),
    "ascii": all(byte < 128 for byte in raw),
    "bare": any(byte in b"\r\n" for byte in raw.replace(b"\r\n", b"")),
}))
