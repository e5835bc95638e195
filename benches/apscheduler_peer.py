"""Measures APScheduler 3.x with its SQLAlchemy job store on SQLite: many jobs due at one instant, or spread over each second.

Prints one JSON object. Started by `benches/against-apscheduler`.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import create_engine, event

LATENESS = []


def ding(due):
    """The job: records how late it started, in seconds."""
    LATENESS.append(time.time() - due)


def tick(offset):
    """A job of each second: its scheduled time is the last one with its offset."""
    now = time.time()
    LATENESS.append((now - offset) % 1.0)


def scheduler(folder, tuned):
    engine = create_engine(f"sqlite:///{folder}/jobs.sqlite", connect_args={"check_same_thread": False})
    if tuned:

        @event.listens_for(engine, "connect")
        def tune(connection, _record):
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")

    # With the store's defaults a late job is dropped after a second; here every run counts.
    return BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(engine=engine)},
        executors={"default": ThreadPoolExecutor(64)},
        job_defaults={"misfire_grace_time": None, "coalesce": False, "max_instances": 10},
        timezone=timezone.utc,
    )


def add_all(made, tasks, add):
    """Adds the jobs by `add(number, due)`; returns a due time by which all of them exist."""
    started = time.perf_counter()
    far = datetime.now(timezone.utc) + timedelta(days=1)
    sample = [made.add_job(ding, "date", run_date=far, args=[0.0]) for _ in range(100)]
    per_job = (time.perf_counter() - started) / len(sample)
    for job in sample:
        job.remove()
    due = int(time.time() + 3 + per_job * tasks * 1.5)
    for number in range(tasks):
        add(number, due)
    if time.time() > due:
        sys.exit("adding the jobs took longer than estimated; is the machine busy?")
    return due


def wait(count, until):
    while len(LATENESS) < count and time.time() < until:
        time.sleep(0.005)


def burst(made, tasks):
    def add(_number, due):
        made.add_job(ding, "date", run_date=datetime.fromtimestamp(due, timezone.utc), args=[float(due)])

    due = add_all(made, tasks, add)
    time.sleep(max(0, due - 0.5 - time.time()))
    cpu = time.process_time()
    wait(tasks, due + 60 + tasks / 100)
    return {"last_ms": round((time.time() - due) * 1000), "cpu_seconds": round(time.process_time() - cpu, 2), "expected": tasks}


def spread(made, tasks, seconds):
    def add(number, due):
        offset = number / tasks
        start = datetime.fromtimestamp(due + offset, timezone.utc)
        end = start + timedelta(seconds=seconds - 0.5)
        made.add_job(tick, "interval", seconds=1, start_date=start, end_date=end, args=[offset])

    due = add_all(made, tasks, add)
    time.sleep(max(0, due - time.time()))
    cpu = time.process_time()
    time.sleep(seconds)
    wait(tasks * seconds, due + seconds + 30)
    return {"cpu_seconds": round(time.process_time() - cpu, 2), "expected": tasks * seconds}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["burst", "spread"])
    parser.add_argument("--tasks", type=int, required=True)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--tuned", action="store_true", help="SQLite in WAL mode with synchronous = normal")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = scheduler(folder, args.tuned)
        made.start()
        found = burst(made, args.tasks) if args.mode == "burst" else spread(made, args.tasks, args.seconds)
        made.shutdown(wait=False)
        late = sorted(LATENESS)
        at = lambda part: round(late[min(len(late) - 1, len(late) * part // 100)] * 1000, 1) if late else None
        found |= {"lost": found["expected"] - len(late), "p50_ms": at(50), "p99_ms": at(99)}
        print(json.dumps(found), flush=True)
        os._exit(0)  # jobs that are left would keep the pool's threads alive


main()
