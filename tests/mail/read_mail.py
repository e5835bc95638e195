"""Parses a mail as a mail program would and prints it as JSON: decoded headers, and parts with their names and contents."""

import base64
import email
import email.header
import email.policy
import json
import sys

with open(sys.argv[1], "rb") as file:
    raw = file.read()
mail = email.message_from_bytes(raw, policy=email.policy.default)



def old_name(part):
    """The name as programs read it that know only `name=` with RFC 2047."""
    name = part.get_param("name")
    return name and str(email.header.make_header(email.header.decode_header(name)))


parts = []
for part, old in zip(mail.walk(), email.message_from_bytes(raw).walk()):
    if part.is_multipart():
        continue
    content = part.get_payload(decode=True)
    parts.append({
        "type": part.get_content_type(),
        "charset": part.get_content_charset(),
        "name": part.get_filename(),
        "type_name": old_name(old),
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
