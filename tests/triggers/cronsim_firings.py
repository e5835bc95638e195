"""Firings by cronsim: reads lines of JSON [expression, zone, start] and prints, per line, up to COUNT Unix times after the start."""

import json
import sys
from datetime import datetime, timezone
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

COUNT = int(sys.argv[1])
zone_of = cache(ZoneInfo)


def firings(expression, zone, start):
    at = datetime.fromtimestamp(start, timezone.utc).astimezone(zone_of(zone))
    try:
        return [int(found.timestamp()) for found in islice(CronSim(expression, at), COUNT)]
    except CronSimError as error:
        return str(error)


for line in sys.stdin:
    print(json.dumps(firings(*json.loads(line))))
