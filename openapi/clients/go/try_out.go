// Example of the generated client: authenticates with a token, creates a task with every trigger kind, previews it, runs one, waits
// for its end, reads execution and output, handles errors and deletes the tasks.
package main

import (
	"belfry"
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

const timeout = 60 * time.Second

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func check(right bool, what string, values ...any) {
	if !right {
		log.Fatal(append([]any{what}, values...)...)
	}
}

// triggers returns one trigger of every kind; of cron one with fields and one with an expression.
func triggers() map[string]belfry.Trigger {
	interval, cron, crontab, idle := belfry.NewIntervalTrigger("interval"), belfry.NewCronTrigger("cron"),
		belfry.NewCronTrigger("cron"), belfry.NewIdleTrigger("idle")
	interval.SetHours(6)
	days, hour := "mon-fri", int32(8)
	cron.SetDayOfWeek(belfry.CronField{String: &days})
	cron.SetHour(belfry.CronField{Int32: &hour})
	crontab.SetExpression("*/5 8-18 * * mon-fri")
	idle.SetIdleDuration(86400)
	return map[string]belfry.Trigger{
		"date":     belfry.DateTriggerAsTrigger(belfry.NewDateTrigger("date", "2099-12-10 08:00:00")),
		"interval": belfry.IntervalTriggerAsTrigger(interval),
		"fields":   belfry.CronTriggerAsTrigger(cron),
		"crontab":  belfry.CronTriggerAsTrigger(crontab),
		"idle":     belfry.IdleTriggerAsTrigger(idle),
	}
}

func task(name string, trigger belfry.Trigger) belfry.TaskInput {
	input := belfry.NewTaskInput("go-"+name, "send_cmd", trigger)
	input.SetParams(map[string]any{"command": "echo hello"})
	return *input
}

// expectProblem checks that a call failed with this status and returns the problem of the response.
func expectProblem(response *http.Response, err error, status int) belfry.Problem {
	var failed *belfry.GenericOpenAPIError
	check(errors.As(err, &failed), "the call did not fail", err)
	check(response.StatusCode == status, "another status", response.StatusCode)
	problem, ok := failed.Model().(belfry.Problem)
	check(ok, "no problem document", failed.Model())
	return problem
}

func main() {
	configuration := belfry.NewConfiguration()
	configuration.Servers = belfry.ServerConfigurations{{URL: os.Getenv("BELFRY_URL") + "/api/v1"}}
	client := belfry.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), belfry.ContextAccessToken, os.Getenv("BELFRY_TOKEN"))

	me, _, err := client.AccountsAPI.GetMe(ctx).Execute()
	must(err)
	check(me.Role == belfry.ADMIN, "another role", me.Role)

	all := triggers()
	for name, trigger := range all {
		_, _, err := client.TasksAPI.CreateTask(ctx).TaskInput(task(name, trigger)).Execute()
		must(err)
		request := belfry.NewPreviewRequest()
		request.SetTrigger(trigger)
		request.SetCount(3)
		preview, _, err := client.TriggersAPI.PreviewTrigger(ctx).PreviewRequest(*request).Execute()
		must(err)
		expected := map[string]int{"date": 1, "interval": 3, "fields": 3, "crontab": 3, "idle": 0}[name]
		check(len(preview.FireTimes) == expected, name, preview.FireTimes)
	}
	created, _, err := client.TasksAPI.GetTask(ctx, "go-fields").Execute()
	must(err)
	check(created.Trigger.CronTrigger != nil && *created.Trigger.CronTrigger.Hour.Int32 == 8, "another trigger", created.Trigger)

	found, _, err := client.TasksAPI.ListTasks(ctx).Search("go-").PageSize(2).Execute()
	must(err)
	check(int(found.Total) == len(all) && len(found.Items) == 2, "another list", found.Total)

	overrides := belfry.NewRunRequest()
	overrides.SetParams(map[string]any{"command": "echo once"})
	queued, _, err := client.TasksAPI.RunTask(ctx, "go-interval").RunRequest(*overrides).Execute()
	must(err)
	run, _, err := client.ExecutionsAPI.GetExecution(ctx, queued.Id).Execute()
	must(err)
	for until := time.Now().Add(timeout); run.Status == belfry.QUEUED || run.Status == belfry.RUNNING; {
		check(time.Now().Before(until), "the run did not end in time")
		time.Sleep(50 * time.Millisecond)
		run, _, err = client.ExecutionsAPI.GetExecution(ctx, queued.Id).Execute()
		must(err)
	}
	check(run.Status == belfry.SUCCEEDED && run.Attempts[0].Attempt == 1, "another end", run.Status)
	check(!run.GetFinishedAt().Before(run.GetStartedAt()), "ended before it started")
	output, _, err := client.ExecutionsAPI.GetExecutionOutput(ctx, run.Id).Execute()
	must(err)
	check(strings.TrimSpace(output) == "once", "another output", output)

	_, response, err := client.TasksAPI.CreateTask(ctx).TaskInput(task("idle", all["idle"])).Execute()
	problem := expectProblem(response, err, 409)
	check(problem.Type == "urn:belfry:problem:conflict", "another type", problem.Type)
	for name := range all {
		_, err := client.TasksAPI.DeleteTask(ctx, "go-"+name).Execute()
		must(err)
	}
	_, response, err = client.TasksAPI.GetTask(ctx, "go-date").Execute()
	expectProblem(response, err, 404)
	fmt.Println("go: ok")
}
