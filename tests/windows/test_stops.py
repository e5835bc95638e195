"""Ctrl+C."""

import os

from case import Case
from server import Server
from wine import until, windows


class Stops(Case):
    def start(self, *flags, **options):
        return Server(self.wine, self.work, *flags, **options)

    def sleeper(self, server, milliseconds):
        server.add("sleeper", "echo", params={"sleep_ms": milliseconds}, policy={"retry": {"max_attempts": 1}})
        execution = server.begin("sleeper")
        until("a run", lambda: server.execution(execution)["status"] == "running")
        return execution

    def test_ctrl_c_waits_for_running_tasks(self):
        """A command does not get the Ctrl+C of the server's console."""
        server = self.start()
        execution = self.sleeper(server, 4000)
        server.add("command", params={"command": [windows(self.wine.probe), "sleep", "4000"]})
        command = server.begin("command")
        until("a command", lambda: server.execution(command)["status"] == "running")
        self.assertEqual(server.stop(), 0)
        server = self.start()
        for id in (execution, command):
            found = server.execution(id)
            self.assertEqual((found["status"], found["attempt"]), ("succeeded", 1), found)
        self.assertEqual(server.stop(), 0)

    def test_second_ctrl_c_ends_at_once(self):
        server = self.start("--set", "workers.shutdown_timeout_seconds=600")
        self.sleeper(server, 600_000)
        os.write(server.terminal, b"\x03")
        until("the log of the shutdown", lambda: "a second signal" in server.log.read_text("utf-8"))
        self.assertEqual(server.stop(), 130)
