"""Access control lists, as far as Wine has them: it keeps the mode of a Unix file, and shows a list that it derives from the mode."""

import stat

from case import Case
from server import Server, cli
from wine import windows


class Permissions(Case):
    def setUp(self):
        super().setUp()
        self.data = self.work / "data"

    def assert_restricted(self, *paths):
        """That a list was set which names SYSTEM: in Wine's mode it is the group, to which new files and folders give no such right."""
        for path in paths:
            self.assertTrue(path.stat().st_mode & stat.S_IWGRP, (path, oct(path.stat().st_mode)))
            (access,) = self.wine.ask("access", windows(path))
            for account in ("SY", r"S-1-5-21-[0-9-]+"):
                self.assertRegex(access, rf"\(A;(OICI)?;FA;;;{account}\)")

    def test_data_folder_copies_and_keys(self):
        server = Server(self.wine, self.work)
        status, value = server.call("PUT", "/api/v1/secrets/greeting", {"value": "hello"})
        self.assertIn(status, (200, 201), value)
        copies = self.work / "copies"
        copies.mkdir()
        self.assertFalse(copies.stat().st_mode & stat.S_IWGRP, "what Belfry has not restricted is not shown as such")
        status, out, err = cli(self.wine, self.work, "backup", windows(copies))
        self.assertEqual(status, 0, (out, err))
        self.assert_restricted(self.data, self.data / "task.db", self.data / "scheduler.log", *copies.iterdir())
        self.assertEqual(server.stop(), 0)

    def test_doctor_names_a_key_that_others_may_read(self):
        """Wine does not keep that a list takes nothing from the parent folder, so that every key is reported."""
        (self.work / "secret.txt").write_text("hello")
        status, out, err = cli(self.wine, self.work, "secret", "set", "greeting", "--from-file", windows(self.work / "secret.txt"))
        self.assertEqual(status, 0, (out, err))
        self.assert_restricted(self.data / "secret.key")
        status, out, err = cli(self.wine, self.work, "doctor", "--lang", "en")
        self.assertEqual(status, 1, (out, err))
        self.assertIn("secret.key", out)
