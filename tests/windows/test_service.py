"""`belfry service`: installed, started, stopped and removed by Wine's service manager."""

import socket
import urllib.request

from case import Case
from wine import until, windows

NAME = "belfry-suite"


class Service(Case):
    def service(self, action, *flags, status=0):
        found, out, err = self.wine.run(self.wine.belfry, "service", action, "--name", NAME, "--lang", "en", *flags, cwd=self.work)
        self.assertEqual(found, status, (action, out, err))
        return out, err

    def test_service(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        data = self.work / "data of the service"
        self.service("status", status=3)
        self.service("install", "--account", "LocalSystem", "--data-dir", windows(data), "--listen", f"127.0.0.1:{port}")
        self.service("install", "--account", "LocalSystem", "--data-dir", windows(data), status=5)
        self.assertIn("stopped", self.service("status")[0])
        self.service("start")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            self.assertEqual(answer.status, 200)
        self.assertIn("running", self.service("status")[0])
        self.service("stop")
        self.assertIn("stopped", self.service("status")[0])
        self.assertEqual(list((data / "nodes").iterdir()), [], "it has ended in order")
        self.service("start")
        self.service("uninstall")
        until("the end of the service", lambda: self.wine.run(self.wine.belfry, "service", "status", "--name", NAME)[0] == 3)
        self.assertTrue((data / "task.db").exists())

    def test_settings_that_are_wrong(self):
        self.service("install", "--set", "log.keep=-1", status=2)
        self.service("status", status=3)
