// Example of the generated types: authenticates with a token, creates a task with every trigger kind, previews it, runs one, waits for its end,
// reads execution and output, handles typed errors and deletes the tasks.
import createClient from "openapi-fetch";
import type { components, paths } from "./belfry.js";

type Execution = components["schemas"]["Execution"];
type TaskInput = components["schemas"]["TaskInput"];
type Trigger = components["schemas"]["Trigger"];

const TIMEOUT_MS = 60_000;
const triggers: Record<string, Trigger> = {
  date: { type: "date", run_date: "2099-12-10 08:00:00", timezone: "Asia/Shanghai" },
  interval: { type: "interval", hours: 6 },
  fields: { type: "cron", day_of_week: "mon-fri", hour: 8 },
  crontab: { type: "cron", expression: "*/5 8-18 * * mon-fri" },
  idle: { type: "idle", idle_duration: 86_400 },
};
const firings: Record<string, number> = { date: 1, idle: 0 };

const client = createClient<paths>({
  baseUrl: `${process.env.BELFRY_URL}/api/v1`,
  headers: { Authorization: `Bearer ${process.env.BELFRY_TOKEN}` },
});

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

const task = (name: string, trigger: Trigger): TaskInput => ({
  id: `typescript-${name}`,
  type: "send_cmd",
  trigger,
  params: { command: "echo hello" },
});

/** Waits for an execution's end. */
async function ended(execution: Execution) {
  const until = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { data, error } = await client.GET("/executions/{id}", { params: { path: { id: execution.id } } });
    if (error) throw new Error(error.detail);
    if (data.status !== "queued" && data.status !== "running") return data;
    check(Date.now() < until, `${data.id} did not end in time`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const me = await client.GET("/me");
check(me.data?.role === "admin", "authenticated by the token");

for (const [name, trigger] of Object.entries(triggers)) {
  const created = await client.POST("/tasks", { body: task(name, trigger) });
  check(created.data?.trigger.type === trigger.type, `${name} was created: ${created.error?.detail}`);
  const preview = await client.POST("/triggers/preview", { body: { trigger, count: 3 } });
  check(preview.data?.fire_times.length === (firings[name] ?? 3), `${name} is previewed`);
}

const found = await client.GET("/tasks", { params: { query: { search: "typescript-", page_size: 2 } } });
check(found.data?.total === 5 && found.data.items.length === 2 && !!found.data.next_cursor, "the list is paged");

const run = await client.POST("/tasks/{id}/run", { params: { path: { id: "typescript-interval" } }, body: { params: { command: "echo once" } } });
check(run.data !== undefined, `the run is queued: ${run.error?.detail}`);
const execution = await ended(run.data);
check(execution.status === "succeeded" && execution.cause === "api", `the run succeeded: ${execution.error}`);
check(execution.attempts[0]?.attempt === 1, "it has one attempt");
const output = await client.GET("/executions/{id}/output", { params: { path: { id: execution.id } }, parseAs: "text" });
check(output.data?.trim() === "once", `the output is returned: ${output.data}`);

const taken = await client.POST("/tasks", { body: task("idle", triggers.idle!) });
check(taken.error?.type === "urn:belfry:problem:conflict" && taken.response.status === 409, "an existing id is a conflict");
const invalid = await client.POST("/tasks", { body: task("wrong", { type: "cron", hour: 25 }) });
check(invalid.error?.errors[0]?.pointer === "/trigger/hour", "an invalid field is reported");

for (const name of Object.keys(triggers)) {
  const gone = await client.DELETE("/tasks/{id}", { params: { path: { id: `typescript-${name}` } } });
  check(gone.response.status === 204, `${name} is deleted`);
}
const missing = await client.GET("/tasks/{id}", { params: { path: { id: "typescript-date" } } });
check(missing.error?.status === 404, "it was deleted");

console.log("typescript: ok");
