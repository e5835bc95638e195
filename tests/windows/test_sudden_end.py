"""The server is ended by TerminateProcess, and started again."""

import json
import shutil
import socket
import time

from case import Trees
from server import Server
from wine import LIMIT, windows

ONCE = {"retry": {"max_attempts": 1, "on_interruption": False}}
AGAIN = {"retry": {"max_attempts": 2, "delay_seconds": 1}}


class SuddenEnd(Trees):
    @classmethod
    def setUpClass(cls):
        """Programs under names of their own, by which the probe finds their processes. Wine knows links by the name of the first."""
        cls.programs = [cls.wine.programs / f"ended-{program.name}" for program in (cls.wine.belfry, cls.wine.probe)]
        for program in cls.programs:
            shutil.copyfile(program.with_name(program.name.removeprefix("ended-")), program)

    def setUp(self):
        super().setUp()
        self.data = self.work / "钟楼 数据"
        for program in self.programs:
            self.addCleanup(self.wine.ask, "terminate", program.name)

    def start(self, *flags):
        return Server(self.wine, self.work, *flags, data=self.data, program=self.programs[0])

    def test_nothing_is_lost_or_doubled(self):
        server = self.start("--set", "workers.limit=4")
        server.add("every-second", "echo", {"type": "interval", "seconds": 1})
        tree = self.start_tree(server, "tree", policy=ONCE)
        server.add("again", "echo", params={"sleep_ms": 15_000}, policy=AGAIN)
        server.add("once", "echo", params={"sleep_ms": 600_000}, policy=ONCE)
        again, once = server.running("again"), server.running("once")
        server.add("filler", "echo", params={"sleep_ms": 600_000}, policy=ONCE)
        server.running("filler")
        server.add("waiting", "echo")
        waiting = server.begin("waiting")
        self.assertEqual(server.execution(waiting)["status"], "queued")
        server.end()
        self.assert_ended("tree")

        server = self.start()
        for interrupted in (tree, once):
            found = server.execution(interrupted)
            self.assertEqual((found["status"], found["attempt"]), ("interrupted", 1), found)
        found = server.end_of(again)
        self.assertEqual((found["status"], found["attempt"]), ("succeeded", 2), found)
        found = server.end_of(waiting)
        self.assertEqual((found["status"], found["attempt"]), ("succeeded", 1), found)
        times = [run["scheduled_at"] for run in server.executions("every-second")]
        self.assertEqual(len(times), len(set(times)))
        self.assertEqual(len(list((self.data / "nodes").iterdir())), 1, "of the dead server nothing is left")
        self.assertEqual(server.stop(), 0)
        status, out, err = self.verify()
        self.assertEqual(status, 0, (out, err))

    def verify(self):
        return self.wine.run(self.wine.belfry, "verify", "--data-dir", windows(self.data), cwd=self.work)

    def test_next_starts_work_at_once(self):
        tasks = 0
        for _ in range(4):
            server = self.start()
            tasks += 1
            server.add(f"task-{tasks}", "echo")
            found = server.end_of(server.begin(f"task-{tasks}"))
            self.assertEqual(found["status"], "succeeded", found)
            self.assertEqual(server.get("/api/v1/tasks")["total"], tasks)
            server.end()
        status, out, err = self.verify()
        self.assertEqual(status, 0, (out, err))

    def test_command_that_may_stay(self):
        """It goes on, and does not hold the port of the dead server."""
        server, probe = self.start(), self.programs[1]
        self.start_tree(server, "staying", probe, leave=True)
        server.end()
        before = self.sizes("staying")
        time.sleep(2)
        self.assertTrue(all(size > former for size, former in zip(self.sizes("staying"), before)))
        self.assertEqual(self.start("--listen", server.base.removeprefix("http://")).stop(), 0)
        self.assertEqual(self.wine.ask("terminate", probe.name), 3)
        self.assert_ended("staying")

    def test_commands_inherit_nothing_but_their_standard_handles(self):
        server = self.start()
        host, port = server.base.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=LIMIT) as open_connection:
            open_connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            self.assertIn(b"200", open_connection.recv(4096))
            for number, command in enumerate(([windows(self.wine.probe), "handles"], f'"{windows(self.wine.probe)}" handles')):
                found = server.run_command(f"handles-{number}", command)
                self.assertEqual(sorted(json.loads(found["result"]["stdout_tail"])), ["stderr", "stdin", "stdout"], found)
        self.assertEqual(server.stop(), 0)
