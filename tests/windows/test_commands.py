"""Commands of tasks: arguments, output, environment, folders, and their end."""

import json
import time

from case import Case, Trees
from server import Server
from wine import until, windows

CHINESE = "钟楼"


class Commands(Case):
    def output(self, task, command, **params):
        """What a command that succeeds has written to its standard output."""
        found = self.server.run_command(task, command, **params)
        self.assertEqual(found["status"], "succeeded", found)
        return found["result"]["stdout_tail"].replace("\r\n", "\n")

    def probe(self, task, *words, **params):
        return json.loads(self.output(task, [windows(self.wine.probe), *words], **params))

    def test_arguments_arrive_as_they_are_written(self):
        for number, arguments in enumerate((
            ["a b", "", "tab\there"],
            ['say "hello"', '"', "\\", "ends with \\", 'quote after \\"', "C:\\a b\\"],
            [CHINESE, "𝄞", "%PATH%", "^&|<>()!"],
        )):
            self.assertEqual(self.probe(f"arguments-{number}", "arguments", *arguments), arguments)

    def test_a_text_is_run_by_cmd(self):
        self.assertEqual(self.output("cmd-1", "set LATER=seen& echo one&& echo two").split(), ["one", "two"])
        self.assertEqual(self.output("cmd-2", f'"{windows(self.wine.probe)}" arguments "a b" c'), '["a b", "c"]\n')
        found = self.server.run_command("cmd-3", "exit 7")
        self.assertEqual((found["status"], found["result"]["exit_code"]), ("failed", 7))

    def test_echo_of_chinese(self):
        self.assertEqual(self.output("echo", f"echo {CHINESE}").strip(), CHINESE)

    def test_echo_of_characters_that_the_code_page_lacks(self):
        self.assertEqual(self.output("echo-more", "echo 钟楼 ñandú").strip(), "钟楼 ñandú")

    def test_echo_in_the_code_page_of_america(self):
        server = Server(self.wine, self.work, env={"LC_ALL": "C.UTF-8"})
        for number, text in enumerate((CHINESE, "ñandú", "plain")):
            found = server.run_command(f"echo-{number}", f"echo {text}")
            self.assertEqual(found["result"]["stdout_tail"].strip(), text, found)
        self.assertEqual(server.stop(), 0)

    def test_output_in_gbk_and_in_utf_8(self):
        gbk, utf8 = CHINESE.encode("gbk").hex(), CHINESE.encode().hex()
        probe = windows(self.wine.probe)
        found = self.server.run_command("gbk", [probe, "bytes", gbk])
        self.assertEqual((found["result"]["stdout_tail"], found["result"].get("encoding")), (CHINESE, "gbk"))
        self.assertEqual(self.output("utf-8", [probe, "bytes", utf8]), CHINESE)
        self.assertEqual(self.output("gbk-named", [probe, "bytes", gbk], encoding="gbk"), CHINESE)
        self.assertEqual(self.output("utf-16", [probe, "bytes", CHINESE.encode("utf-16-le").hex()], encoding="utf-16le"), CHINESE)

    def test_characters_that_arrive_in_two_pieces(self):
        """A character of GBK whose second byte comes later; both streams find out their encoding by themselves."""
        (first, second), (third, fourth) = (character.encode("gbk") for character in CHINESE)
        for number, pieces in enumerate((
            [bytes([first]), bytes([second, third]), bytes([fourth])],
            [b"ascii \n" + bytes([first, second, third]), bytes([fourth])],
        )):
            found = self.server.run_command(f"pieces-{number}", [windows(self.wine.probe), "pieces", *(piece.hex() for piece in pieces)])
            self.assertEqual(found["result"]["stdout_tail"].split()[-1], CHINESE, found)
            self.assertEqual(found["result"]["encoding"], "gbk")

    def test_exit_codes(self):
        for code, shown in (("0", 0), ("3", 3), ("259", 259), ("0xC0000005", -1073741819)):
            found = self.server.run_command(f"exit-{code}", [windows(self.wine.probe), "exit", code])
            self.assertEqual(found["result"]["exit_code"], shown, found)
            self.assertEqual(found["status"], "failed" if shown else "succeeded")

    def test_environment(self):
        names = ["LEFT", CHINESE, "BELFRY_TASK_ID", "BELFRY_ADMIN_TOKEN", "SYSTEMROOT"]
        values = self.probe("environment", "environment", *names, env={"LEFT": 'a "b" %c%', CHINESE: "楼 钟"})
        self.assertEqual(values, ['a "b" %c%', "楼 钟", "environment", "(unset)", "C:\\windows"])

    def test_environment_in_another_case(self):
        """Windows does not distinguish the cases of names: a variable of the task replaces the server's, however it is written."""
        env = {"systemroot": "C:\\windows", "temp": "D:\\elsewhere", "New": "1"}
        self.assertEqual(self.probe("cases", "environment", "TEMP", "Temp", "NEW", env=env), ["D:\\elsewhere", "D:\\elsewhere", "1"])

    def test_long_command_lines(self):
        long, probe = "a" * 8000, windows(self.wine.probe)
        self.assertGreater(self.probe("long-list", "length", long, long, long, long), 32_000)
        self.assertGreater(int(self.output("long-text", f"{probe} length {long}")), 8000)
        for task, command, limit in (
            ("longer-text", f"{probe} length {long} {long}", "8191"),
            ("longer-list", [probe, "length", long, long, long, long, long], "32766"),
        ):
            found = self.server.run_command(task, command)
            self.assertEqual(found["status"], "failed", found)
            self.assertIn(limit, found["error"])

    def test_working_folders(self):
        folder = self.wine.folder(f"a folder of {CHINESE}")
        (self.wine.root / "prefix/drive_c/of c").mkdir()
        for number, cwd in enumerate((windows(folder), "C:\\of c", "C:/of c")):
            self.assertEqual(self.probe(f"folder-{number}", "folder", cwd=cwd), [cwd.replace("/", "\\")])
        found = self.server.run_command("folder-missing", ["cmd"], cwd="Q:\\missing")
        self.assertEqual(found["status"], "failed")
        self.assertIn("Q:\\missing", found["error"])

    def test_program_that_is_missing(self):
        found = self.server.run_command("missing", ["no-such-program", "x"])
        self.assertEqual(found["status"], "failed")
        self.assertIn("no-such-program", found["error"])

    def test_powershell_that_is_missing(self):
        found = self.server.run_command("powershell", "Get-Date", shell="powershell")
        self.assertEqual(found["status"], "failed")
        self.assertIn("powershell", found["error"])
        self.assertIn("not found", found["error"])

    def test_standard_input(self):
        self.assertEqual(self.output("stdin", [windows(self.wine.probe), "copy"], stdin="one\n钟楼\n"), "one\n钟楼\n")


class Ends(Trees):
    """Cancelling, the time limit and the end of the command end the whole tree."""

    def test_cancel(self):
        execution = self.start_tree(self.server, "cancelled")
        status, value = self.server.call("POST", f"/api/v1/executions/{execution}/cancel", {})
        self.assertEqual(status, 200, value)
        self.assertEqual(self.server.end_of(execution)["status"], "cancelled")
        self.assert_ended("cancelled")

    def test_time_limit(self):
        execution = self.start_tree(self.server, "limited", policy={"timeout_seconds": 20})
        self.assertEqual(self.server.end_of(execution)["status"], "timed_out")
        self.assert_ended("limited")
