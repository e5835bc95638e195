"""Triggers of every kind, and time zones."""

import datetime
import time

from case import Case
from server import cli
from wine import until, windows


def in_seconds(seconds):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


class Cpu:
    """The use of the machine as Linux shows it, sampled while a test waits."""

    def __init__(self):
        self.samples, self.last = [], self.counters()

    @staticmethod
    def counters():
        with open("/proc/stat", encoding="ascii") as stat:
            numbers = [int(number) for number in stat.readline().split()[1:9]]
        return numbers[3] + numbers[4], sum(numbers)

    def sample(self):
        """Percent since the last sample."""
        idle, total = self.counters()
        (idle_before, total_before), self.last = self.last, (idle, total)
        self.samples.append(100 - 100 * (idle - idle_before) / max(total - total_before, 1))

    def was_calm(self, percent, seconds):
        """Whether the use was below a limit for some seconds on end."""
        calm = 0
        for sample in self.samples:
            calm = calm + 1 if sample < percent else 0
            if calm >= seconds:
                return True
        return False


class Triggers(Case):
    def runs(self, task, least):
        def enough():
            found = [run for run in self.server.executions(task) if run["status"] == "succeeded"]
            return found if len(found) >= least else None
        return until(f"{least} runs of {task}", enough)

    def test_date(self):
        at = in_seconds(3)
        self.server.add("date", "echo", {"type": "date", "run_date": at})
        run = self.runs("date", 1)[0]
        self.assertEqual(datetime.datetime.fromisoformat(run["scheduled_at"]), datetime.datetime.fromisoformat(at))

    def test_interval(self):
        self.server.add("interval", "echo", {"type": "interval", "seconds": 2})
        times = [datetime.datetime.fromisoformat(run["scheduled_at"]) for run in self.runs("interval", 3)]
        for later, earlier in zip(times, times[1:]):
            self.assertEqual((later - earlier).total_seconds() % 2, 0)
        self.server.call("DELETE", "/api/v1/tasks/interval")

    def test_cron(self):
        self.server.add("cron", "echo", {"type": "cron", "expression": "*/2 * * * * *"})
        for run in self.runs("cron", 2):
            self.assertEqual(datetime.datetime.fromisoformat(run["scheduled_at"]).second % 2, 0)
        self.server.call("DELETE", "/api/v1/tasks/cron")

    def test_idle(self):
        """An idle machine fires within seconds; on one that is busy all the time, which the test measures itself, nothing may fire."""
        self.server.add("idle", "echo", {"type": "idle", "idle_duration": 1, "cpu_below_percent": 100})
        self.server.add("later", "echo", {"type": "idle", "idle_duration": 3600, "cpu_below_percent": 100})
        cpu, deadline = Cpu(), time.monotonic() + 90
        while not self.server.executions("idle") and time.monotonic() < deadline:
            time.sleep(1)
            cpu.sample()
        fired = bool(self.server.executions("idle"))
        self.assertEqual(fired, fired or cpu.was_calm(95, 8), f"the machine was calm, but nothing fired: {cpu.samples}")
        self.assertEqual(self.server.executions("later"), [])
        for task in ("idle", "later"):
            self.server.call("DELETE", f"/api/v1/tasks/{task}")

    def test_names_of_windows_zones(self):
        trigger = {"type": "cron", "expression": "0 8 * * *", "timezone": "China Standard Time"}
        status, value = self.server.call("POST", "/api/v1/triggers/preview", {"trigger": trigger})
        self.assertEqual(status, 422, value)
        self.assertIn("Asia/Shanghai", str(value))

    def test_zone_of_the_machine(self):
        """The zone that Windows is set to, without the variable `TZ`, which Belfry would take first."""
        script = self.work / "preview.cmd"
        script.write_text('@set TZ=\r\n@%1 preview "0 12 * * *" -n 1\r\n')
        status, out, err = self.wine.run("cmd", "/c", windows(script), windows(self.wine.belfry), cwd=self.work)
        self.assertEqual(status, 0, (out, err))
        self.assertRegex(out, r"12:00:00\S* ?\+08:00")

    def test_every_occurrence_is_on_record(self):
        status, out, err = cli(self.wine, self.server.folder, "verify")
        self.assertEqual(status, 0, (out, err))
