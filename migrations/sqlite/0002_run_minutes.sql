-- How many runs that began within a minute ended in which way: what charts are drawn from, whatever the size of the log.
create table run_minutes (
    minute bigint not null,
    status text not null,
    runs bigint not null,
    primary key (minute, status)
) without rowid;

insert into run_minutes (minute, status, runs)
select (started_at / 60000) * 60000, status, count(*) from executions
where started_at is not null and status not in ('queued', 'running')
group by (started_at / 60000) * 60000, status;
