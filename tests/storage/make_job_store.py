"""Creates a job store with APScheduler and prints the next firings of its triggers: make_job_store.py URL NOW COUNT [PROTOCOL]"""

import copy
import datetime
import decimal
import json
import os
import sys
import uuid
from zoneinfo import ZoneInfo

import apscheduler
import dateutil.tz
import pytz
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

url, now, count = sys.argv[1], datetime.datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])
protocol = int(sys.argv[4]) if len(sys.argv) > 4 else 5

ZONE = "Asia/Shanghai"
CRONS = {
    "minutely": dict(second=0),
    "every-five": dict(minute="*/5"),
    "workdays": dict(day_of_week="mon-fri", hour=8),
    "numbers": dict(day_of_week="0-4", hour=8, minute=30),
    "sunday": dict(day_of_week=6, hour="9,21"),
    "odd-days": dict(day_of_week="*/2", hour=1),
    "second-friday": dict(day="2nd fri", hour=3),
    "last-monday": dict(day="last mon", hour=3),
    "last-day": dict(day="last", hour=23, minute=59),
    "quarter": dict(month="jan,apr-jun/2,10", day=1),
    "by-name": dict(month="jan-mar,oct", day="1-7/3", hour="*/6"),
    "weeks": dict(week="1-53/2", day_of_week="wed", hour=12),
    "thirteenth": dict(day=13, day_of_week="fri"),
    "leap": dict(month=2, day=29),
    "from-on": dict(hour=8, start_date="2027-03-01", end_date="2027-03-20 12:00:00"),
    "steps": dict(hour="8-18/3", minute="5/20", second="30"),
    "year": dict(year="2027-2030/2", month=6, day=15, hour=6),
}
CRONTABS = {"crontab": "*/10 8-18 * * mon-fri", "crontab-days": "0 0 1,15 * *"}
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]


def triggers():
    for name, fields in CRONS.items():
        yield name, CronTrigger(timezone=ZONE, **fields)
    for name, text in CRONTABS.items():
        yield name, CronTrigger.from_crontab(text, timezone=ZONE)
    for zone in ZONES:
        short = zone.split("/")[1]
        yield f"daily-{short}", CronTrigger(hour=8, timezone=zone)
        yield f"hourly-{short}", CronTrigger(minute=30, timezone=zone)
        yield f"night-{short}", CronTrigger(hour=2, minute=30, timezone=zone)
    yield "interval", IntervalTrigger(minutes=7, seconds=30, timezone=ZONE)
    yield "interval-long", IntervalTrigger(weeks=1, days=1, hours=3, timezone="Europe/Berlin", start_date="2026-01-01 05:00:00")
    yield "interval-end", IntervalTrigger(hours=1, timezone=ZONE, start_date=now, end_date=now + datetime.timedelta(hours=5))
    yield "interval-odd", IntervalTrigger(seconds=1.5, timezone=ZONE)
    yield "date", DateTrigger("2027-05-01 08:00:00", timezone=ZONE)
    yield "date-utc", DateTrigger(datetime.datetime(2027, 5, 1, 8, tzinfo=datetime.timezone.utc))
    yield "date-offset", DateTrigger(datetime.datetime(2027, 5, 1, 8, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=17))))
    # Not localized: pytz takes the local mean time of the zone.
    yield "date-lmt", DateTrigger(datetime.datetime(2027, 5, 1, 8, tzinfo=pytz.timezone(ZONE)))
    yield "jitter-cron", CronTrigger(hour="*/3", timezone=ZONE, jitter=120)
    yield "jitter-interval", IntervalTrigger(minutes=7, timezone=ZONE, start_date="2026-01-01 05:00:00", jitter=30)
    # Version 3.10 takes the zones of pytz only.
    offsets = {"pytz": pytz.FixedOffset(330)}
    if apscheduler.version_info >= (3, 11):
        offsets = {
            "whole": datetime.timezone(datetime.timedelta(hours=8), "CST"),
            "dateutil": dateutil.tz.tzoffset(None, -34200),
            "posix": dateutil.tz.tzstr("CST-8"),
            "key": ZoneInfo("Etc/GMT-8"),
        }
    for name, zone in offsets.items():
        yield f"offset-{name}", CronTrigger(hour=8, timezone=zone)
    yield "or", OrTrigger([CronTrigger(hour=8, timezone=ZONE), CronTrigger(day_of_week="sat", hour=20, timezone=ZONE)])
    yield "or-interval", OrTrigger([CronTrigger(hour=8, timezone=ZONE), IntervalTrigger(hours=1, timezone=ZONE)])
    # These agree at once after each firing.
    yield "and", AndTrigger([CronTrigger(hour=8, timezone=ZONE), CronTrigger(day_of_week="mon-sun", hour=8, timezone=ZONE)])
    # The second get_next_fire_time of these does not terminate.
    yield "and-sat", AndTrigger([CronTrigger(hour=8, timezone=ZONE), CronTrigger(day_of_week="sat", hour=8, timezone=ZONE)])
    yield "and-or", AndTrigger([CronTrigger(hour=8, timezone=ZONE), OrTrigger([CronTrigger(hour=8, timezone=ZONE)])])


def firings(trigger):
    if getattr(trigger, "jitter", None):
        trigger = copy.copy(trigger)
        trigger.jitter = None
    at, found = trigger.get_next_fire_time(None, now), []
    while at is not None and len(found) < count:
        found.append(at.timestamp())
        at = trigger.get_next_fire_time(at, at)
    return found


class Custom:
    pass


def main():
    scheduler = BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore(url=url, pickle_protocol=protocol)}, timezone=ZONE)
    scheduler.start(paused=True)
    firings_by_job = {}
    for name, trigger in triggers():
        firings_by_job[name] = [] if name in ("and-sat", "and-or") else firings(trigger)
        scheduler.add_job("json:dumps", trigger, id=name, args=[{"job": name}], next_run_time=trigger.get_next_fire_time(None, now))
    every = CronTrigger(hour=8, timezone=ZONE)
    arguments = [1, 2.5, None, True, "日报 {{ x }}", [1, (2, 3)], {"a": {1}}, datetime.date(2026, 1, 2),
                 datetime.datetime(2026, 1, 2, 8, tzinfo=ZoneInfo("Asia/Shanghai")), decimal.Decimal("1.50"),
                 uuid.UUID("ffcbf18d-720b-4dc2-a510-8bb0f452d162"), 10**12, -5]
    scheduler.add_job("logging:log", every, id="my job #1", name="My job", args=arguments, kwargs={"to": "ops@example.com"},
                      misfire_grace_time=None, coalesce=False, max_instances=4)
    scheduler.add_job("json:dumps", every, id="paused", args=[1], next_run_time=None, misfire_grace_time=90)
    scheduler.add_job("json:dumps", every, id="custom", args=[Custom()])
    json.dump(firings_by_job, sys.stdout)
    sys.stdout.flush()
    # A shutdown would run the jobs that are due.
    os._exit(0)


main()
