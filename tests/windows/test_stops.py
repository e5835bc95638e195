"""Ctrl+C."""

import os
import signal
import time

from case import Case
from server import Server
from wine import until, windows


# The lower byte of the exit status that Windows gives a process that does not handle Ctrl+C, and that of Wine before it runs a program.
INTERRUPTED = (0x3A, -signal.SIGINT)


class Stops(Case):
    def start(self, *flags, **options):
        return Server(self.wine, self.work, *flags, **options)

    def sleeper(self, server, milliseconds):
        server.add("sleeper", "echo", params={"sleep_ms": milliseconds}, policy={"retry": {"max_attempts": 1}})
        return server.running("sleeper")

    def test_ctrl_c_waits_for_running_tasks(self):
        """A command does not get the Ctrl+C of the server's console."""
        server = self.start()
        execution = self.sleeper(server, 4000)
        server.add("command", params={"command": [windows(self.wine.probe), "sleep", "4000"]})
        command = server.running("command")
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

    def test_ctrl_c_during_the_start(self):
        """Whatever it hits, the process ends, and the next start finds nothing that is in its way."""
        for pause in (0, 0.2, 0.5, 1, 1.5, 2, 3):
            server = self.start(ready=False)
            time.sleep(pause)
            # A key that is pressed while Wine prepares the console is lost.
            while server.process.poll() is None:
                os.write(server.terminal, b"\x03")
                time.sleep(2)
            ended = server.wait()
            self.assertIn(ended, (0, 130, *INTERRUPTED), (pause, server.said()))
        server = self.start()
        self.assertEqual(server.run_command("after", "echo x")["status"], "succeeded")
        self.assertEqual(server.stop(), 0)
