-- Finished runs per start minute and status. Charts read this table, so that their cost does not depend on the number of executions.
create table run_stats_by_minute (
    minute bigint not null,
    status text not null,
    runs bigint not null,
    primary key (minute, status)
);

insert into run_stats_by_minute (minute, status, runs)
select (started_at / 60000) * 60000, status, count(*) from executions
where started_at is not null and status not in ('queued', 'running')
group by (started_at / 60000) * 60000, status;
