"""The first start: the setup page, the pages in the program, and a port that is taken."""

import http.cookiejar
import urllib.parse
import urllib.request

from case import Case
from server import Server, cli
from wine import windows


class Start(Case):
    def test_setup_page_creates_the_administrator(self):
        server = Server(self.wine, self.work, env={"BELFRY_ADMIN_TOKEN": None})
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        form = {"name": "alice", "password": "correct horse", "repeat": "correct horse"}
        with browser.open(server.base + "/tasks") as page:
            self.assertTrue(page.url.endswith("/setup"), page.url)
            self.assertIn("/static/", page.read().decode())
        request = urllib.request.Request(server.base + "/setup", urllib.parse.urlencode(form).encode(), {"Origin": server.base})
        with browser.open(request) as page:
            self.assertEqual(page.status, 200)
        with browser.open(server.base + "/tasks") as page:
            self.assertTrue(page.url.endswith("/tasks"), page.url)
            self.assertIn("alice", page.read().decode())
        with browser.open(server.base + "/static/css/belfry.css") as style:
            self.assertIn("text/css", style.headers["content-type"])
        self.assertEqual(server.stop(), 0)

    def test_init_creates_the_administrator(self):
        password = self.work / "password.txt"
        password.write_text("correct horse\r\n")
        words = ("init", "--admin", "钟", "--from-file", windows(password))
        status, out, err = cli(self.wine, self.work, *words, cwd=self.work)
        self.assertEqual(status, 0, (out, err))
        status, out, err = cli(self.wine, self.work, "user", "list", "--json")
        self.assertIn('"钟"', out, err)

    def test_port_that_is_taken(self):
        address = self.server.base.removeprefix("http://")
        status, out, err = cli(self.wine, self.work, "serve", "--listen", address)
        self.assertEqual(status, 1, (out, err))
        self.assertIn(address, err)
