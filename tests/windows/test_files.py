"""Paths, the log, back-ups and the editor."""

import json
import os
import subprocess

from case import Case
from server import Server, cli
from wine import until, windows


class Paths(Case):
    def long_folder(self):
        """A folder whose path has more than 260 characters."""
        folder = self.work.joinpath(*[f"钟楼 {'folder ' * 8}{depth}" for depth in range(4)])
        self.assertGreater(len(windows(folder)), 260)
        return folder

    def test_paths_with_backslashes(self):
        data = self.work / "data of 钟楼"
        settings = self.work / "belfry.toml"
        settings.write_text(f"data_dir = '{windows(data)}'\n[backup]\nfolders = ['{windows(self.work)}']\n", "utf-8")
        (self.work / "own/types").mkdir(parents=True)
        (self.work / "own/types/shout.cmd").write_text("@echo {}\r\n")
        server = Server(self.wine, self.work, "--config", windows(settings), "--set", "tasks.folder=own\\types", data=data)
        self.assertIn("shout", [one["type"] for one in server.get("/api/v1/task-types")])
        self.assertEqual(server.stop(), 0)
        self.assertTrue((data / "task.db").exists())

    def test_backslashes_in_double_quotes_are_named(self):
        (self.work / "belfry.toml").write_text('data_dir = "D:\\belfry\\data"\n')
        status, out, err = self.wine.run(self.wine.belfry, "serve", cwd=self.work)
        self.assertEqual(status, 2, (out, err))
        self.assertIn("belfry.toml:1", err)

    def test_back_up_and_restore(self):
        self.back_up_and_restore(self.work, self.work / "copies of 钟楼")

    def test_back_up_and_restore_with_long_paths(self):
        """Without the task type `backup`, whose check of its folder Wine refuses: it tells the name of no open file beyond 260 characters."""
        folder = self.long_folder()
        folder.mkdir(parents=True)
        status, out, err = cli(self.wine, folder, "task", "add", "kept", "--type", "echo", "--every", "1h")
        self.assertEqual(status, 0, (out, err))
        status, out, err = cli(self.wine, folder, "backup", windows(folder / "copy.db"))
        self.assertEqual(status, 0, (out, err))
        status, out, err = cli(self.wine, folder, "task", "rm", "kept", "--yes")
        self.assertEqual(status, 0, (out, err))
        status, out, err = cli(self.wine, folder, "restore", windows(folder / "copy.db"), "--yes")
        self.assertEqual(status, 0, (out, err))
        status, out, err = cli(self.wine, folder, "task", "list", "--json")
        self.assertIn('"kept"', out, err)

    def test_long_paths_in_settings(self):
        folder = self.long_folder()
        (folder / "types").mkdir(parents=True)
        (folder / "types/shout.cmd").write_text("@echo {}\r\n")
        (folder / "data").mkdir()
        fill_log(folder / "data/scheduler.log")
        tasks = {"version": 1, "tasks": [{"id": "listed", "type": "echo", "trigger": {"type": "interval", "hours": 1}}]}
        (folder / "tasks.json").write_text(json.dumps(tasks))
        settings = folder / "belfry.toml"
        settings.write_text(f"data_dir = '{windows(folder / 'data')}'\n[log]\nfile_max_mb = 1\n[tasks]\n"
                            f"folder = '{windows(folder / 'types')}'\nfile = '{windows(folder / 'tasks.json')}'\n", "utf-8")
        server = Server(self.wine, self.work, "--config", windows(settings), data=folder / "data")
        until("the task of the file", lambda: [task["id"] for task in server.get("/api/v1/tasks")["items"]] == ["listed"])
        until("a rolled log", lambda: (folder / "data/scheduler.log.1").exists())
        status, out, err = self.wine.run(self.wine.belfry, "task", "list", "--json", "--config", windows(settings), cwd=self.work)
        self.assertIn('"listed"', out, err)
        status, out, err = self.wine.run(self.wine.belfry, "doctor", "--config", windows(settings), "--lang", "en", cwd=self.work)
        self.assertEqual(status, 0, (out, err))
        found = server.run_command("in-long-folder", ["cmd", "/c", "cd"], cwd=windows(folder))
        self.assertEqual(found["status"], "failed", found)
        self.assertIn("258", found["error"])
        log = "".join((folder / "data" / name).read_text("utf-8") for name in ("scheduler.log", "scheduler.log.1"))
        self.assertRegex(log, "shout.*258", "an executable runs in its folder")
        self.assertEqual(server.stop(), 0)

    def back_up_and_restore(self, folder, copies):
        folder.mkdir(parents=True, exist_ok=True)
        copies.mkdir(parents=True)
        server = Server(self.wine, self.work, "--set", f"backup.folders={windows(copies)}", data=folder / "data")
        server.add("backup", "backup", params={"to": windows(copies)})
        found = self.copy_by_task(server, copies)
        copy = copies / "by hand.db"
        status, out, err = cli(self.wine, folder, "backup", windows(copy))
        self.assertEqual(status, 0, (out, err))
        server.add("later", "echo")
        refused, out, err = cli(self.wine, folder, "restore", windows(copy), "--yes")
        self.assertEqual(refused, 5, (out, err))
        self.assertEqual(server.stop(), 0)
        for file in (copy, found):
            status, out, err = cli(self.wine, folder, "restore", windows(file), "--yes")
            self.assertEqual(status, 0, (out, err))
            status, out, err = cli(self.wine, folder, "task", "list", "--json")
            self.assertIn('"backup"', out, err)
            self.assertNotIn('"later"', out)
        status, out, err = cli(self.wine, folder, "verify")
        self.assertEqual(status, 0, (out, err))

    def copy_by_task(self, server, copies):
        found = server.end_of(server.begin("backup"))
        self.assertEqual((found["status"], found["error"]), ("succeeded", None))
        return next(copies.glob("*.db"))


def fill_log(file):
    """Writes a log that has nearly a size of 1 MiB."""
    line = "2026-01-01T00:00:00.000Z  INFO belfry: a line of yesterday\n"
    file.write_text(line * ((1 << 20) // len(line) - 1))


class Log(Case):
    """The log is rolled at the next line: it has nearly its maximum size before the server starts."""

    def setUp(self):
        super().setUp()
        self.data = self.work / "data"
        self.data.mkdir()
        self.log = self.data / "scheduler.log"
        fill_log(self.log)

    def start(self):
        return Server(self.wine, self.work, "--set", "log.file_max_mb=1")

    def test_log_is_rolled_while_the_command_line_follows_it(self):
        followed = self.work / "followed.txt"
        with open(followed, "wb") as out:
            follow = self.wine.start(self.wine.belfry, "logs", "--follow", "--data-dir", windows(self.data),
                                     stdin=subprocess.DEVNULL, stdout=out, cwd=self.work)
        until("lines of the log", lambda: "yesterday" in followed.read_text("utf-8", "replace"))
        server = self.start()
        until("a rolled log", lambda: (self.data / "scheduler.log.1").exists())
        server.run_command("after-the-roll", "echo x")
        until("lines after the roll", lambda: "after-the-roll" in followed.read_text("utf-8", "replace"))
        self.assertLess(self.log.stat().st_size, 1 << 19)
        follow.kill()
        follow.wait()
        self.assertEqual(server.stop(), 0)

    def test_log_is_rolled_once_no_program_holds_it(self):
        holder = self.wine.start(self.wine.probe, "hold", windows(self.log), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(holder.stdout.readline().strip(), b"held")
        server = self.start()
        server.run_command("while-held", "echo x")
        until("lines in the held log", lambda: "while-held" in self.log.read_text("utf-8"))
        self.assertFalse((self.data / "scheduler.log.1").exists())
        holder.communicate(b"\n")
        server.run_command("when-free", "echo x")
        until("a rolled log", lambda: (self.data / "scheduler.log.1").exists())
        until("lines in the new log", lambda: "when-free" in self.log.read_text("utf-8"))
        lines = self.log.read_text("utf-8") + (self.data / "scheduler.log.1").read_text("utf-8")
        self.assertIn("while-held", lines)
        self.assertEqual(server.stop(), 0)


class Commands(Case):
    def test_editor_in_a_folder_with_blanks(self):
        folder = self.work / "my editor"
        folder.mkdir()
        os.link(self.wine.probe, folder / "probe.exe")
        status, out, err = cli(self.wine, self.work, "task", "add", "edited", "--type", "echo", "--every", "1h", "--param", "message=old")
        self.assertEqual(status, 0, (out, err))
        editor = f'"{windows(folder / "probe.exe")}" replace old "new 钟楼"'
        status, out, err = cli(self.wine, self.work, "task", "edit", "edited", "--yes", env={"EDITOR": editor})
        self.assertEqual(status, 0, (out, err))
        status, out, err = cli(self.wine, self.work, "task", "show", "edited", "--json")
        self.assertIn("new 钟楼", out, err)

    def test_init_with_example_tasks(self):
        status, out, err = cli(self.wine, self.work, "init", "--no-admin", "--demo", "--lang", "en", cwd=self.work)
        self.assertEqual(status, 0, (out, err))
        self.assertTrue((self.work / "belfry.toml").exists())
        server = Server(self.wine, self.work)
        tasks = [task["id"] for task in server.get("/api/v1/tasks")["items"]]
        self.assertEqual(len(tasks), 6, tasks)
        for task in tasks:
            run = server.end_of(until(f"a run of {task}", lambda: server.executions(task))[-1]["id"])
            self.assertEqual(run["status"], "failed" if task == "demo-retry" else "succeeded", run)
        self.assertEqual(server.stop(), 0)
