"""The task list and the execution list as Flask, Jinja2 and SQLite show them: the same columns and rows as Belfry's pages."""

import gzip
import json
import os
import sqlite3
from datetime import datetime, timezone

from flask import Flask, Response, g, render_template, request

app = Flask(__name__)
app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
LEVEL = 3


def database():
    if "database" not in g:
        g.database = sqlite3.connect(f"file:{os.environ['BELFRY_DB']}?mode=ro", uri=True)
        g.database.row_factory = sqlite3.Row
    return g.database


@app.teardown_appcontext
def close(_):
    if "database" in g:
        g.database.close()


@app.template_filter("time")
def time(ms):
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S") if ms else "–"


@app.template_filter("params")
def params(text):
    return " ".join(f"{name}={value}" for name, value in json.loads(text).items())[:60]


@app.after_request
def compress(response: Response):
    if "gzip" in request.headers.get("accept-encoding", ""):
        response.set_data(gzip.compress(response.get_data(), LEVEL))
        response.headers["content-encoding"] = "gzip"
    return response


@app.template_filter("outcomes")
def outcomes(text):
    """Status and duration in milliseconds of the latest runs; see src/domain/recent_outcomes.rs."""
    names = {"s": "succeeded", "f": "failed", "t": "timed_out", "c": "cancelled", "i": "interrupted"}
    return [(names[text[at]], int(text[at + 1 : at + 6], 36)) for at in range(0, len(text), 6)]


@app.get("/tasks")
def tasks():
    rows = database().execute(
        "select id, name, tags, task_type, schedule_text, params, enabled, run_count, success_count, failure_count, last_run_at,"
        " last_status, last_duration_ms, next_run_at, recent from tasks order by id limit 40"
    ).fetchall()
    total = database().execute("select count(*) from tasks").fetchone()[0]
    return render_template("tasks.html", rows=rows, total=total)


@app.get("/executions")
def executions():
    rows = database().execute(
        "select id, task_id, task_type, schedule_text, params, status, started_at, duration_ms, lateness_ms, cause, node"
        " from executions order by id desc limit 40"
    ).fetchall()
    total = database().execute("select count(*) from (select 1 from executions limit 10001)").fetchone()[0]
    return render_template("executions.html", rows=rows, total=total)
