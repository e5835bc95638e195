"""Runs Belfry for Windows under Wine and tries what differs there. Usage: suite.py PROGRAM [NAME…]

Requires Wine, MinGW and Debian's `locales`; needs neither a display nor the network. With names, only the tests whose ids contain one of them."""

import sys
import time
import unittest

from case import Case
from server import Server
from wine import Wine

MODULES = ("test_start", "test_commands", "test_triggers", "test_stops", "test_files", "test_console", "test_service")


class Timed(unittest.TextTestResult):
    """Shows how long each test took."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok, {time.monotonic() - self.began:.1f} s")
        self.stream.flush()


def tests(suite):
    for found in suite:
        yield from tests(found) if isinstance(found, unittest.TestSuite) else [found]


def main(program, *names):
    started = time.monotonic()
    chosen = [test for test in tests(unittest.defaultTestLoader.loadTestsFromNames(MODULES))
              if not names or any(name in test.id() for name in names)]
    Case.wine = Wine()
    try:
        Case.wine.prepare(program)
        print(f"Wine is ready after {time.monotonic() - started:.0f} s", flush=True)
        Case.server = Server(Case.wine, Case.wine.folder("shared server"))
        result = unittest.TextTestRunner(verbosity=2, resultclass=Timed).run(unittest.TestSuite(chosen))
        if Case.server.stop() != 0:
            raise SystemExit("the shared server did not end in order")
    finally:
        Case.wine.close()
    print(f"{result.testsRun} tests in {time.monotonic() - started:.0f} s")
    return 0 if result.wasSuccessful() and result.testsRun and not result.skipped else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
