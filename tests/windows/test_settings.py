"""Settings and files as Windows programs write them, and places that Windows treats in its own way."""

import json

from case import Case
from server import Server, cli
from wine import until, windows

BOM = b"\xef\xbb\xbf"
YAML = "version: 1\ntasks:\n  - id: {id}\n    name: 钟楼\n    type: echo\n    trigger:\n      type: interval\n      hours: 1\n"


class Settings(Case):
    def test_byte_order_marks_and_line_ends(self):
        (self.work / "tasks.yaml").write_bytes(BOM + YAML.format(id="from-file").replace("\n", "\r\n").encode())
        settings = f"data_dir = '{windows(self.work / '钟楼 数据')}'\r\n[tasks]\r\nfile = 'tasks.yaml'\r\n"
        (self.work / "belfry.toml").write_bytes(BOM + settings.encode())
        server = Server(self.wine, self.work, "--config", windows(self.work / "belfry.toml"), data=self.work / "钟楼 数据")
        until("the task of the file", lambda: [task["name"] for task in server.get("/api/v1/tasks")["items"]] == ["钟楼"])
        (self.work / "more.yaml").write_bytes(BOM + YAML.format(id="imported").replace("\n", "\r\n").encode())
        status, out, err = self.wine.run(self.wine.belfry, "import", windows(self.work / "more.yaml"), "--yes", cwd=self.work)
        self.assertEqual(status, 0, (out, err))
        self.assertEqual(server.get("/api/v1/tasks")["total"], 2)
        self.assertEqual(server.stop(), 0)

    def test_command_line_beside_the_server(self):
        """What a command changes in the database the server sees at once, and the other way round."""
        server = Server(self.wine, self.work)
        status, out, err = cli(self.wine, self.work, "task", "add", "bell", "--type", "echo", "--every", "1s")
        self.assertEqual(status, 0, (out, err))
        until("runs of the new task", lambda: len(server.executions("bell")) > 1)
        status, out, err = cli(self.wine, self.work, "export", "--format", "json")
        self.assertEqual([task["id"] for task in json.loads(out)["tasks"]], ["bell"], err)
        status, out, err = cli(self.wine, self.work, "task", "list", "--json")
        self.assertIn('"bell"', out, err)
        status, out, err = cli(self.wine, self.work, "doctor", "--lang", "en")
        self.assertEqual(status, 0, (out, err))
        self.assertEqual(server.stop(), 0)

    def test_data_folders_of_all_kinds(self):
        """Relative to the folder of the drive, without a drive, with slashes, and in the form that no system limits: all are the same."""
        below = windows(self.work).removeprefix("Z:")
        kinds = ("Z:data", f"{below}\\data", f"Z:{below}/data/".replace("\\", "/"), f"\\\\?\\Z:{below}\\data")
        for number, folder in enumerate(kinds):
            status, out, err = self.add(f"task-{number}", folder)
            self.assertEqual(status, 0, (folder, out, err))
        status, out, err = cli(self.wine, self.work, "task", "list", "--json")
        self.assertEqual(len(json.loads(out)["items"]), len(kinds), err)

    def add(self, task, folder):
        words = ("task", "add", task, "--type", "echo", "--every", "1h", "--data-dir", folder)
        return self.wine.run(self.wine.belfry, *words, cwd=self.work)

    def test_share_that_is_missing(self):
        status, out, err = self.add("bell", "\\\\localhost\\missing\\data")
        self.assertEqual(status, 6, (out, err))
        self.assertIn("\\\\localhost\\missing\\data", err)

    def test_places_that_cannot_hold_data(self):
        """Reserved names, a place that cannot be written, a missing drive, a file, names that Windows does not allow."""
        (self.work / "file").write_text("x")
        for place in ("NUL", "con", "C:\\nul\\data", "Z:\\sys\\belfry", "Q:\\belfry", windows(self.work / "file"), "C:\\a|b", "C:\\a?"):
            status, out, err = self.wine.run(self.wine.belfry, "serve", "--data-dir", place, cwd=self.work,
                                             env={"BELFRY_SERVER_LISTEN": "127.0.0.1:0"})
            self.assertEqual(status, 1, (place, out, err))
            self.assertIn(place, err)
        self.assertEqual([file.name for file in self.work.iterdir()], ["file"])

    def test_copies_to_places_that_cannot_hold_them(self):
        status, out, err = self.add("bell", "data")
        self.assertEqual(status, 0, (out, err))
        for place in ("NUL", "aux", "COM1", "NUL.db", "C:\\a?.db", "Z:\\sys\\copy.db"):
            status, out, err = cli(self.wine, self.work, "backup", place, cwd=self.work)
            self.assertEqual(status, 1, (place, out, err))
        self.assertEqual([file.name for file in self.work.iterdir()], ["data"])
