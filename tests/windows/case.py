"""The base of the tests: Wine, and a server that they share."""

import unittest

from server import Server
from wine import Wine


class Case(unittest.TestCase):
    maxDiff = None
    wine: Wine
    server: Server

    def setUp(self):
        self.work = self.wine.root / "work" / self.id().rsplit(".", 1)[-1]
        self.work.mkdir(parents=True)
