#!/usr/bin/env python3
"""Example task type in Python: counts the rows of a CSV file and sums a column by group.

Copy it to the folder of the setting [tasks] folder (default: data/tasks) and make it executable.
"""

import csv
import json
import os
import sys

DESCRIPTION = {
    "title": {"en": "CSV summary", "zh": "CSV 汇总"},
    "description": {
        "en": "Counts the rows of a CSV file and sums a column by group.",
        "zh": "统计 CSV 文件的行数，并按分组汇总一列。",
    },
    "params_schema": {
        "type": "object",
        "additionalProperties": False,
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "description": "The file.", "x-description-zh": "文件路径。"},
            "group_by": {"type": "string", "description": "The column to group by.", "x-description-zh": "分组所依据的列。"},
            "sum": {"type": "string", "description": "The column to sum.", "x-description-zh": "要求和的列。"},
        },
    },
    "example": {"file": "/data/orders.csv", "group_by": "city", "sum": "amount"},
    "default_policy": {"timeout_seconds": 300},
}


def main() -> int:
    params = json.load(sys.stdin)
    if not os.path.exists(params["file"]):
        print(f"{params['file']} does not exist yet", file=sys.stderr)
        return 75  # retryable: the task's policy decides about another attempt
    rows, groups = 0, {}
    with open(params["file"], newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            rows += 1
            if "sum" in params:
                group = row[params["group_by"]] if "group_by" in params else "all"
                groups[group] = groups.get(group, 0.0) + float(row[params["sum"]])
    print(f"read {rows} rows for execution {os.environ.get('BELFRY_EXECUTION_ID')}")
    print(json.dumps({"rows": rows, "groups": groups}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--describe"]:
        print(json.dumps(DESCRIPTION, ensure_ascii=False))
    else:
        sys.exit(main())
