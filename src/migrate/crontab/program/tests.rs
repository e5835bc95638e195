use std::collections::BTreeMap;

use super::*;

#[test]
fn program_is_found_behind_preparations_and_wrappers() {
    let variables = BTreeMap::from([
        ("SCRIPTS".to_owned(), "/opt/scripts".to_owned()),
        ("BACKUP".to_owned(), "/usr/bin/restic -q".to_owned()),
    ]);
    for (command, name) in [
        ("/opt/backup.sh --all", "backup.sh"),
        ("test -x /usr/sbin/anacron || /usr/sbin/anacron -s", "anacron"),
        ("test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )", "cron.daily"),
        (
            "[ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi",
            "sessionclean",
        ),
        ("cd /srv/app && ./tick.sh", "tick.sh"),
        (". /etc/profile; report", "report"),
        ("source ~/.env && A=1 python3 -u /srv/jobs/daily.py", "daily.py"),
        ("$SCRIPTS/clean.sh", "clean.sh"),
        ("\"${SCRIPTS}/clean up.sh\" now", "clean up.sh"),
        ("$BACKUP backup /home", "restic"),
        ("$UNKNOWN --x", "UNKNOWN"),
        ("$HOME/bin/sync.sh", "sync.sh"),
        ("flock -n /tmp/x.lock /opt/job.sh", "job.sh"),
        ("/usr/bin/flock -w 10 /tmp/x.lock -c 'cd /srv && ./job.sh'", "job.sh"),
        ("nice -n 19 ionice -c2 -n7 /opt/index.sh", "index.sh"),
        ("nice -19 /opt/index.sh", "index.sh"),
        ("timeout -k 5 60s curl -fsS https://x", "curl"),
        ("timeout --signal=KILL 1h php /srv/artisan schedule:run", "artisan"),
        ("chronic bash -lc 'sleep 5; /opt/a.sh'", "a.sh"),
        ("bash -c \"cd /srv && exec ./run.sh\"", "run.sh"),
        ("docker exec -u www-data -t app php occ cron.php", "occ"),
        ("docker compose -f /srv/c.yml exec -T web ./manage.py clearsessions", "manage.py"),
        ("docker run --rm -v /a:/b alpine:3 rotate", "rotate"),
        ("kubectl -n prod exec deploy/app -- /bin/purge", "purge"),
        ("sudo -u postgres -H pg_dump db | gzip > x.gz", "pg_dump"),
        ("su - app -c 'bin/rake jobs:run'", "rake"),
        ("env -i LANG=C /opt/x", "x"),
        ("python3 -m app.jobs.mail", "app.jobs.mail"),
        ("java -Xmx1g -cp a.jar:b.jar com.example.Job", "com.example.Job"),
        ("java -jar /opt/etl.jar", "etl.jar"),
        ("/usr/bin/env python3 /x/y.py", "y.py"),
        ("$(which node) /srv/x.js", "x.js"),
        ("command -v certbot >/dev/null && certbot renew", "certbot"),
        (">/dev/null 2>&1 /opt/quiet", "quiet"),
        ("sleep 30; date >> /tmp/x", "sleep"),
        ("perl -e 'sleep int(rand(60))' && certbot -q renew", "certbot"),
        ("perl -e 'print 1'", "perl"),
        ("sudo -iu deploy /home/deploy/bin/sync", "sync"),
        ("job=/opt/z.sh; $job --go", "z.sh"),
        ("nohup /opt/d.sh &", "d.sh"),
        ("cd /x; poetry run python job.py", "job.py"),
        ("for i in 1 2; do /opt/poll; done", "poll"),
        ("find /tmp -name '*.tmp' | xargs rm", "find"),
    ] {
        assert_eq!(program_name(command, &variables).as_deref(), Some(name), "{command}");
    }
    assert_eq!(program_name("", &variables), None);
}
