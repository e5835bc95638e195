import belfry.ApiClient;
import belfry.ApiException;
import belfry.api.AccountsApi;
import belfry.api.ExecutionsApi;
import belfry.api.TasksApi;
import belfry.api.TriggersApi;
import belfry.model.*;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Example of the generated client: authenticates with a token, creates a task with every trigger kind, previews it, runs one, waits for
 * its end, reads execution and output, handles errors and deletes the tasks.
 */
public class TryOut {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private interface Call {
        void run() throws ApiException;
    }

    /** One trigger of every kind; of cron one with fields and one with an expression. */
    private static Map<String, Trigger> triggers() {
        Map<String, Trigger> all = new LinkedHashMap<>();
        all.put("date", new Trigger(new DateTrigger().type(DateTrigger.TypeEnum.DATE).runDate("2099-12-10 08:00:00")));
        all.put("interval", new Trigger(new IntervalTrigger().type(IntervalTrigger.TypeEnum.INTERVAL).hours(6L)));
        all.put("fields", new Trigger(new CronTrigger().type(CronTrigger.TypeEnum.CRON)
            .dayOfWeek(new CronField("mon-fri")).hour(new CronField(8))));
        all.put("crontab", new Trigger(new CronTrigger().type(CronTrigger.TypeEnum.CRON).expression("*/5 8-18 * * mon-fri")));
        all.put("idle", new Trigger(new IdleTrigger().type(IdleTrigger.TypeEnum.IDLE).idleDuration(86_400L)));
        return all;
    }

    private static TaskInput task(String name, Trigger trigger) {
        return new TaskInput().id("java-" + name).type("send_cmd").trigger(trigger).params(Map.of("command", "echo hello"));
    }

    private static void check(boolean right, Object shown) {
        if (!right) {
            throw new AssertionError(shown);
        }
    }

    private static ApiException expectedError(Call call) {
        try {
            call.run();
        } catch (ApiException error) {
            return error;
        }
        throw new AssertionError("the call did not fail");
    }

    public static void main(String[] arguments) throws Exception {
        ApiClient client = new ApiClient();
        client.updateBaseUri(System.getenv("BELFRY_URL") + "/api/v1");
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + System.getenv("BELFRY_TOKEN")));
        TasksApi tasks = new TasksApi(client);
        ExecutionsApi executions = new ExecutionsApi(client);
        check(new AccountsApi(client).getMe().getRole() == Role.ADMIN, "another role");

        Map<String, Trigger> triggers = triggers();
        for (Map.Entry<String, Trigger> entry : triggers.entrySet()) {
            Task created = tasks.createTask(task(entry.getKey(), entry.getValue()));
            Object kind = created.getTrigger().getActualInstance();
            check(kind.getClass() == entry.getValue().getActualInstance().getClass(), kind);
            PreviewRequest request = new PreviewRequest().trigger(entry.getValue()).count(3);
            Preview preview = new TriggersApi(client).previewTrigger(request);
            int expected = Map.of("date", 1, "idle", 0).getOrDefault(entry.getKey(), 3);
            check(preview.getFireTimes().size() == expected, preview);
        }

        TaskList found = tasks.listTasks("java-", null, null, null, null, null, 2, null);
        check(found.getTotal() == triggers.size() && found.getItems().size() == 2 && found.getNextCursor() != null, found);

        RunRequest overrides = new RunRequest().params(Map.of("command", "echo once"));
        ExecutionDetail run = executions.getExecution(tasks.runTask("java-interval", null, overrides).getId());
        Instant until = Instant.now().plus(TIMEOUT);
        while (Set.of(ExecutionStatus.QUEUED, ExecutionStatus.RUNNING).contains(run.getStatus())) {
            check(Instant.now().isBefore(until), "the run did not end in time");
            Thread.sleep(50);
            run = executions.getExecution(run.getId());
        }
        check(run.getStatus() == ExecutionStatus.SUCCEEDED && run.getAttempts().get(0).getAttempt() == 1, run);
        check(executions.getExecutionOutput(run.getId(), null, null).strip().equals("once"), run);

        check(expectedError(() -> tasks.createTask(task("idle", triggers.get("idle")))).getCode() == 409, "409");
        Trigger wrong = new Trigger(new CronTrigger().type(CronTrigger.TypeEnum.CRON).hour(new CronField(25)));
        ApiException invalid = expectedError(() -> tasks.createTask(task("wrong", wrong)));
        check(invalid.getCode() == 422 && invalid.getResponseBody().contains("/trigger/hour"), invalid.getResponseBody());

        for (String name : triggers.keySet()) {
            tasks.deleteTask("java-" + name, null);
        }
        check(expectedError(() -> tasks.getTask("java-date")).getCode() == 404, "404");
        System.out.println("java: ok");
    }
}
