#!/bin/sh
# A task type for Belfry in plain sh: fails when a disk is fuller than allowed.
# Copy it into the folder of the setting [tasks] folder (by default data/tasks) and keep it executable.
set -eu

if [ "${1:-}" = --describe ]; then
    cat <<'END'
{
  "title": {"en": "Disk space", "zh": "磁盘空间检查"},
  "description": {"en": "Fails when the disk of a folder is fuller than allowed.", "zh": "当文件夹所在磁盘的使用率超过上限时失败。"},
  "params_schema": {
    "type": "object", "additionalProperties": false,
    "properties": {
      "path": {"type": "string", "default": "/", "description": "A folder on the disk.", "x-description-zh": "磁盘上的文件夹。"},
      "max_percent": {"type": "integer", "minimum": 0, "maximum": 100, "default": 90,
        "description": "How full it may be.", "x-description-zh": "允许的最高使用率（%）。"}
    }
  },
  "example": {"path": "/", "max_percent": 90}
}
END
    exit 0
fi

# The parameters come as one line of JSON. For two simple values sed will do; jq or Python serve better where there are more.
params=$(cat)
path=$(printf '%s' "$params" | sed -n 's/.*"path" *: *"\([^"]*\)".*/\1/p')
max=$(printf '%s' "$params" | sed -n 's/.*"max_percent" *: *\([0-9]*\).*/\1/p')
path=${path:-/}
max=${max:-90}

if [ ! -d "$path" ]; then
    echo "no such folder: $path" >&2
    exit 1
fi
used=$(df -P "$path" | awk 'NR == 2 { sub("%", "", $5); print $5 }')

# The last line of JSON is the result, also of a run that fails.
printf '{"used_percent": %s, "max_percent": %s}\n' "$used" "$max"
if [ "$used" -gt "$max" ]; then
    echo "the disk of $path is $used % full, more than $max %" >&2
    exit 1 # another attempt would find the same; 75 would ask for one
fi
