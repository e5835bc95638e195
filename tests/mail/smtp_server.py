"""A mail server for tests, on a free port of the loopback interface.

Takes one argument, JSON: folder (of the delivered mails), tls (none, starttls, implicit), cert and key (files), login
(whether authentication is required), exclude (mechanisms that are not offered), script (one step for each mail: "ok", "cut" and
"stall" in the middle of the data, "421" at the first command, anything else is the reply to the data).
Prints events as lines of JSON.
"""

import asyncio
import base64
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

OPTIONS = json.loads(sys.argv[1])
SCRIPT = list(OPTIONS.get("script", []))
OPEN = set()


def emit(**event):
    print(json.dumps(event), flush=True)


def next_step():
    return SCRIPT.pop(0) if SCRIPT else "ok"


class Server(SMTP):
    step = "ok"

    # Called again after STARTTLS, for the same client.
    def connection_made(self, transport):
        if self not in OPEN:
            OPEN.add(self)
            emit(event="connected", open=len(OPEN))
        super().connection_made(transport)

    def connection_lost(self, error):
        super().connection_lost(error)
        OPEN.discard(self)
        emit(event="lost", open=len(OPEN))

    async def smtp_MAIL(self, arg):
        self.step = next_step()
        if self.step == "421":
            await self.push("421 4.3.2 closing down")
            self.transport.close()
            return
        await super().smtp_MAIL(arg)

    async def smtp_DATA(self, arg):
        if self.step in ("cut", "stall"):
            await self.push("354 go on")
            await self._reader.readline()
            emit(event=self.step)
            if self.step == "cut":
                self.transport.abort()
            else:
                await asyncio.sleep(3600)
            return
        await super().smtp_DATA(arg)


class Handler:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("busy@"):
            return "450 4.2.1 mailbox busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if server.step != "ok":
            return server.step
        Handler.count += 1
        path = os.path.join(OPTIONS["folder"], f"{Handler.count}.eml")
        with open(path, "wb") as file:
            file.write(envelope.original_content)
        emit(event="mail", path=path, sender=envelope.mail_from, recipients=envelope.rcpt_tos)
        return f"250 2.0.0 taken as {Handler.count}"

    async def auth_XOAUTH2(self, server, args):
        fields = base64.b64decode(args[1]).decode().split("\x01")
        good = fields[:2] == ["user=me@example.com", "auth=Bearer good-token"]
        emit(event="auth", mechanism="XOAUTH2", good=good)
        if not good:
            # As large services do: the reason is sent as a challenge first.
            await server.challenge_auth(b'{"status":"400"}')
        return AuthResult(success=good, handled=False)


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"me@example.com", "密码 pass".encode())
    emit(event="auth", mechanism=mechanism, good=good)
    return AuthResult(success=good, handled=False)


async def main():
    tls = None
    if OPTIONS["tls"] != "none":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(OPTIONS["cert"], OPTIONS["key"])
    starttls = OPTIONS["tls"] == "starttls"
    login = OPTIONS.get("login", False)

    def create_protocol():
        return Server(
            Handler(),
            hostname="mail.test",
            enable_SMTPUTF8=True,
            tls_context=tls if starttls else None,
            require_starttls=starttls,
            authenticator=authenticate if login else None,
            auth_required=login,
            auth_require_tls=False,
            auth_exclude_mechanism=OPTIONS.get("exclude", []),
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(create_protocol, "127.0.0.1", 0, ssl=tls if OPTIONS["tls"] == "implicit" else None)
    emit(event="ready", port=server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
