"""The base of the tests: Wine, and a server that they share."""

import time
import unittest

from server import Server
from wine import Wine, until, windows


class Case(unittest.TestCase):
    maxDiff = None
    wine: Wine
    server: Server

    def setUp(self):
        self.work = self.wine.root / "work" / self.id().rsplit(".", 1)[-1]
        self.work.mkdir(parents=True)


class Trees(Case):
    """Commands with child processes, all of which write all the time."""

    def sizes(self, name):
        """The sizes of the files that the processes of a tree write to."""
        files = [self.work / f"{name}.{depth}" for depth in (2, 1, 0)]
        return [file.stat().st_size if file.exists() else 0 for file in files]

    def start_tree(self, server, name, probe=None, leave=False, **more):
        command = [windows(probe or self.wine.probe), "beat", windows(self.work / name), "2"]
        server.add(name, params={"command": command, "leave": leave}, **more)
        execution = server.begin(name)
        until("three processes", lambda: all(self.sizes(name)))
        return execution

    def assert_ended(self, name):
        def still():
            before = self.sizes(name)
            time.sleep(1)
            return self.sizes(name) == before
        until("no process that writes", still, 20)
