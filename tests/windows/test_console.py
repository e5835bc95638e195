"""What the command line prints, in consoles of two code pages and into files."""

import os
import pty
import re

from case import Case
from server import cli
from wine import LIMIT, windows


class Console(Case):
    def setUp(self):
        super().setUp()
        status, out, err = cli(self.wine, self.work, "task", "add", "bell", "--name", "敲钟楼的钟", "--type", "echo", "--every", "1h")
        self.assertEqual(status, 0, (out, err))

    def shown(self, code_page):
        """What a console of this code page shows."""
        script = self.work / "list.cmd"
        script.write_text(f"@chcp {code_page} >nul\r\n@%1 task list --lang zh --data-dir data\r\n")
        master, terminal = pty.openpty()
        process = self.wine.start("cmd", "/c", windows(script), windows(self.wine.belfry), stdin=terminal, stdout=terminal,
                                  stderr=terminal, cwd=self.work, env={"TERM": "xterm"}, start_new_session=True)
        os.close(terminal)
        shown = b""
        try:
            while more := os.read(master, 4096):
                shown += more
        except OSError:
            pass  # the end
        self.assertEqual(process.wait(LIMIT), 0, shown)
        os.close(master)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode("utf-8", "replace"))

    def test_console_in_utf_8(self):
        self.assertIn("触发器", self.shown(65001))

    def test_console_in_code_page_936(self):
        self.assertIn("触发器", self.shown(936))

    def test_output_into_a_file_is_utf_8(self):
        status, out, err = cli(self.wine, self.work, "task", "list", "--lang", "zh")
        self.assertEqual(status, 0, err)
        self.assertIn("触发器", out)

    def test_language_of_windows(self):
        """Chinese here, by the settings of Windows: no variable of Unix says so."""
        script = self.work / "language.cmd"
        script.write_text("@set LC_ALL=\r\n@%1 task list --data-dir data\r\n")
        status, out, err = self.wine.run("cmd", "/c", windows(script), windows(self.wine.belfry), cwd=self.work)
        self.assertEqual(status, 0, (out, err))
        chinese, english = (cli(self.wine, self.work, "task", "list", "--lang", language)[1] for language in ("zh", "en"))
        self.assertEqual(out, chinese)
        self.assertNotEqual(out, english)
