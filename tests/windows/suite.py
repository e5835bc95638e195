"""Runs Belfry for Windows under Wine and tries what differs there. Usage: suite.py PROGRAM [NAME…]

Requires Wine, MinGW and Debian's `locales`; needs neither a display nor the network. With names, only the tests whose ids contain one of them."""

import signal
import sys
import time
import unittest

from case import Case
from server import Server
from wine import Wine

MODULES = ("test_start", "test_settings", "test_commands", "test_triggers", "test_stops", "test_sudden_end", "test_files", "test_permissions",
           "test_console", "test_service")
# How long one test, the preparation and the end may take, in seconds, whatever they wait for.
LIMIT = 600


def too_long(_signal, _frame):
    raise TimeoutError(f"longer than {LIMIT} seconds")


class Timed(unittest.TextTestResult):
    """Limits each test, and shows how long it took."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)
        signal.alarm(LIMIT)

    def stopTest(self, test):
        signal.alarm(LIMIT)
        super().stopTest(test)

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
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LIMIT)
    try:
        Case.wine.prepare(program)
        print(f"Wine is ready after {time.monotonic() - started:.0f} s", flush=True)
        Case.server = Server(Case.wine, Case.wine.folder("shared server"))
        result = unittest.TextTestRunner(verbosity=2, resultclass=Timed).run(unittest.TestSuite(chosen))
        if Case.server.stop() != 0:
            raise SystemExit("the shared server did not end in order")
    finally:
        signal.alarm(0)
        Case.wine.close()
    print(f"{result.testsRun} tests in {time.monotonic() - started:.0f} s")
    return 0 if result.wasSuccessful() and result.testsRun and not result.skipped else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
