"""A Belfry server under Wine, with its API and its command line."""

import fcntl
import json
import os
import pty
import re
import subprocess
import termios
import threading
import urllib.error
import urllib.request

from wine import LIMIT, until, windows

TOKEN = "token-of-the-windows-suite"
ENDED = ("succeeded", "failed", "timed_out", "cancelled", "interrupted", "skipped", "missed")


def take_terminal():
    """Makes standard input the terminal that Ctrl+C of this process comes from."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Server:
    """A running server on a port of its own, with its data in a folder of `folder`. It has a terminal, for Ctrl+C."""

    def __init__(self, wine, folder, *flags, data=None, program=None, env=None, ready=True):
        self.wine, self.folder, self.program = wine, folder, program or wine.belfry
        self.data = data or folder / "data"
        self.log = self.data / "scheduler.log"
        self.terminal, terminal = pty.openpty()
        with open(folder / "err.txt", "wb") as err:
            command = [self.program, "serve", *flags]
            if "--config" not in flags:
                command += ["--data-dir", windows(self.data)]
            variables = {"BELFRY_ADMIN_TOKEN": TOKEN, "BELFRY_SERVER_LISTEN": "127.0.0.1:0"} | (env or {})
            self.process = wine.start(*command, env=variables, stdin=terminal, stdout=subprocess.PIPE, stderr=err,
                                      cwd=folder, start_new_session=True, preexec_fn=take_terminal)
        os.close(terminal)
        (folder / "out.txt").write_bytes(b"")
        threading.Thread(target=self._drain, daemon=True).start()
        threading.Thread(target=self._keep_output, daemon=True).start()
        self.base = until("a server that answers", self._address) if ready else None

    def _drain(self):
        try:
            while os.read(self.terminal, 4096):
                pass
        except OSError:
            pass  # the other end is closed

    def _keep_output(self):
        with open(self.folder / "out.txt", "ab", buffering=0) as out:
            while more := os.read(self.process.stdout.fileno(), 4096):
                out.write(more)

    def _address(self):
        assert self.process.poll() is None, (self.process.poll(), self.said())
        found = re.search(r"http://127\.0\.0\.1:\d+", self.said())
        return found and found.group()

    def said(self):
        return "".join((self.folder / name).read_text("utf-8", "replace") for name in ("out.txt", "err.txt"))

    def call(self, method, path, body=None):
        """Status and JSON of an answer."""
        request = urllib.request.Request(self.base + path, method=method)
        request.add_header("Authorization", f"Bearer {TOKEN}")
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, data, timeout=LIMIT) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            status, text = refused.code, refused.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode("utf-8", "replace")

    def get(self, path):
        status, value = self.call("GET", path)
        assert status == 200, (path, status, value)
        return value

    def add(self, task, kind="send_cmd", trigger=None, **rest):
        """Adds a task; without a trigger it runs when it is started."""
        trigger = trigger or {"type": "interval", "days": 300}
        status, value = self.call("POST", "/api/v1/tasks", {"id": task, "type": kind, "trigger": trigger} | rest)
        assert status == 201, (task, status, value)

    def begin(self, task):
        """Starts a task and returns the id of the execution."""
        status, value = self.call("POST", f"/api/v1/tasks/{task}/run", {})
        assert status == 202, (task, status, value)
        return value["id"]

    def execution(self, execution):
        return self.get(f"/api/v1/executions/{execution}")

    def end_of(self, execution):
        """An execution that has ended."""
        def ended():
            found = self.execution(execution)
            return found if found["status"] in ENDED else None
        return until(f"the end of {execution}", ended)

    def run_command(self, task, command, policy=None, **params):
        """Runs a command as a task of its own; returns its execution."""
        more = {"policy": policy} if policy else {}
        self.add(task, params={"command": command} | params, **more)
        return self.end_of(self.begin(task))

    def running(self, task):
        """Starts a task and waits until it runs; returns the execution."""
        execution = self.begin(task)
        until(f"a run of {task}", lambda: self.execution(execution)["status"] == "running")
        return execution

    def executions(self, task):
        return self.get(f"/api/v1/executions?task_id={task}&page_size=500")["items"]

    def end(self):
        """Ends all processes of the server's program by TerminateProcess, without a word to them."""
        ended = self.wine.ask("terminate", self.program.name)
        assert ended == 1, ended
        self.wait()

    def stop(self):
        """Ctrl+C, and the exit status."""
        os.write(self.terminal, b"\x03")
        return self.wait()

    def wait(self):
        status = self.process.wait(LIMIT)
        os.close(self.terminal)
        return status


def cli(wine, folder, *words, **options):
    """A command of Belfry on the local database in a folder of `folder`."""
    return wine.run(wine.belfry, *words, "--data-dir", windows(folder / "data"), **({"cwd": wine.root} | options))
