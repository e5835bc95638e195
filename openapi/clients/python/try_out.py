"""Example of the generated client: authenticates with a token, creates a task with every trigger kind, previews it, runs one, waits for its
end, reads execution and output, handles typed errors and deletes the tasks."""

import os
import time

import belfry_client as belfry

configuration = belfry.Configuration(host=os.environ["BELFRY_URL"] + "/api/v1", access_token=os.environ["BELFRY_TOKEN"])
TRIGGERS = {
    "date": belfry.DateTrigger(type="date", run_date="2099-12-10 08:00:00", timezone="Asia/Shanghai"),
    "interval": belfry.IntervalTrigger(type="interval", hours=6),
    "fields": belfry.CronTrigger(type="cron", day_of_week=belfry.CronField("mon-fri"), hour=belfry.CronField(8)),
    "crontab": belfry.CronTrigger(type="cron", expression="*/5 8-18 * * mon-fri"),
    "idle": belfry.IdleTrigger(type="idle", idle_duration=86400),
}
TIMEOUT = 60


def task(name, trigger):
    return belfry.TaskInput(id=f"python-{name}", type="send_cmd", trigger=belfry.Trigger(trigger), params={"command": "echo hello"})


def expected_error(call):
    """Returns the error that a call is expected to raise."""
    try:
        call()
    except belfry.ApiException as error:
        return error
    raise AssertionError("the call did not fail")


def ended(executions, execution):
    """Waits for an execution's end."""
    until = time.monotonic() + TIMEOUT
    while execution.status in (belfry.ExecutionStatus.QUEUED, belfry.ExecutionStatus.RUNNING):
        assert time.monotonic() < until, f"{execution.id} did not end in time"
        time.sleep(0.05)
        execution = executions.get_execution(execution.id)
    return execution


with belfry.ApiClient(configuration) as client:
    tasks, executions = belfry.TasksApi(client), belfry.ExecutionsApi(client)
    assert belfry.AccountsApi(client).get_me().role == belfry.Role.ADMIN

    for name, trigger in TRIGGERS.items():
        created = tasks.create_task(task(name, trigger))
        assert type(created.trigger.actual_instance) is type(trigger), created
        request = belfry.PreviewRequest(trigger=belfry.Trigger(trigger), count=3)
        preview = belfry.TriggersApi(client).preview_trigger(request)
        assert len(preview.fire_times) == {"date": 1, "idle": 0}.get(name, 3), preview

    found = tasks.list_tasks(search="python-", page_size=2)
    assert found.total == len(TRIGGERS) and len(found.items) == 2 and found.next_cursor

    run = ended(executions, tasks.run_task("python-interval", run_request=belfry.RunRequest(params={"command": "echo once"})))
    assert run.status == belfry.ExecutionStatus.SUCCEEDED and run.cause == belfry.ExecutionCause.API, run
    assert run.finished_at >= run.started_at and run.attempts[0].attempt == 1
    assert executions.get_execution_output(run.id).strip() == "once"

    taken = expected_error(lambda: tasks.create_task(task("idle", TRIGGERS["idle"])))
    assert isinstance(taken, belfry.exceptions.ConflictException) and taken.data.type == "urn:belfry:problem:conflict"
    hour = belfry.CronTrigger(type="cron", hour=belfry.CronField(25))
    invalid = expected_error(lambda: tasks.create_task(task("wrong", hour)))
    assert invalid.status == 422 and [place.pointer for place in invalid.data.errors] == ["/trigger/hour"], invalid

    for name in TRIGGERS:
        tasks.delete_task(f"python-{name}")
    assert expected_error(lambda: tasks.get_task("python-date")).status == 404

print("python: ok")
