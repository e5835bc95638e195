"""Wine with a system folder of its own: starts Windows programs and ends all of them."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

# How long one step may take, in seconds: the suite also passes on a busy machine.
LIMIT = 180
HERE = pathlib.Path(__file__).parent
LOADERS = ("/usr/lib/wine/wine64", "/usr/bin/wine")


def until(what, found, limit=LIMIT):
    """The first true value of a function, which is called again and again."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {limit} seconds: {what}")


class Wine:
    """Belfry and the probe in a folder of their own, with a new `C:`."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="belfry-windows-"))
        self.loader = next(loader for loader in LOADERS if os.path.exists(loader))
        self.programs = self.root / "programs"
        self.belfry, self.probe = self.programs / "belfry.exe", self.programs / "probe.exe"
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR")}
        self.environment = kept | {
            "WINEPREFIX": str(self.root / "prefix"),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            # Neither .NET nor a browser, whose installation would ask.
            "WINEDLLOVERRIDES": "mscoree,mshtml,winemenubuilder.exe=",
            # Wine takes code page and language from the locale.
            "LOCPATH": str(self.root / "locales"),
            "LC_ALL": "zh_CN.UTF-8",
            "TZ": "Asia/Shanghai",
        }

    def prepare(self, program):
        """Builds the programs of the tests and creates `C:`."""
        self.programs.mkdir()
        shutil.copyfile(program, self.belfry)
        compiler = ["x86_64-w64-mingw32-gcc", "-Wall", "-Werror", "-Os", "-s"]
        library = [HERE / "bcryptprimitives.c", "-o", self.programs / "bcryptprimitives.dll", "-ladvapi32"]
        subprocess.run([*compiler, "-shared", *library], check=True)
        subprocess.run([*compiler, "-municode", HERE / "probe.c", "-o", self.probe, "-ladvapi32"], check=True)
        self.folder("locales")
        subprocess.run(["localedef", "-i", "zh_CN", "-f", "UTF-8", self.root / "locales/zh_CN.UTF-8"], check=True)
        self.run("wineboot", "--init", limit=600)
        # A program without a function, which PowerShell must not be taken for.
        for stub in (self.root / "prefix/drive_c/windows").glob("*/[Ww]indows[Pp]ower[Ss]hell/v1.0/powershell.exe"):
            stub.unlink()

    def folder(self, name):
        """A new folder."""
        folder = self.root / name
        folder.mkdir(parents=True)
        return folder

    def start(self, *command, env=None, **options):
        """A started program: `.exe` files by their Unix paths, Wine's own by name. A variable of `None` is unset."""
        variables = {name: value for name, value in (self.environment | (env or {})).items() if value is not None}
        return subprocess.Popen([self.loader, *map(str, command)], env=variables, **options)

    def run(self, *command, limit=LIMIT, stdin=b"", **options):
        """An ended program: exit status, standard output and standard error as text."""
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        process = self.start(*command, **options)
        try:
            out, err = process.communicate(stdin, timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return process.returncode, out.decode("utf-8", "replace").replace("\r\n", "\n"), err.decode("utf-8", "replace")

    def ask(self, *words, **options):
        """What the probe prints, as JSON."""
        status, out, err = self.run(self.probe, *words, **options)
        assert status == 0, (words, status, out, err)
        return json.loads(out)

    def close(self):
        """Ends all programs and removes the folder."""
        server = pathlib.Path(self.loader).with_name("wineserver")
        with contextlib.suppress(subprocess.TimeoutExpired):
            command = [server if server.exists() else "wineserver", "--kill", "--wait"]
            subprocess.run(command, env=self.environment, check=False, timeout=60)
        for process in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)

    def left(self):
        """The processes of this `C:`."""
        own = f"WINEPREFIX={self.root}/prefix".encode()
        for variables in pathlib.Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if own in variables.read_bytes().split(b"\0"):
                    yield int(variables.parent.name)


def windows(path):
    """The path of a Unix file as Windows programs name it."""
    return "Z:" + str(path).replace("/", "\\")
