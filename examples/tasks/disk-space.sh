#!/bin/sh
# Example task type in sh: fails if the usage of a disk exceeds a limit.
# Copy it to the folder of the setting [tasks] folder (default: data/tasks) and make it executable.
set -eu

if [ "${1:-}" = --describe ]; then
    cat <<'END'
{
  "title": {"en": "Disk space", "zh": "磁盘空间检查"},
  "description": {"en": "Fails if the usage of a folder's disk exceeds a limit.", "zh": "当文件夹所在磁盘的使用率超过上限时失败。"},
  "params_schema": {
    "type": "object", "additionalProperties": false,
    "properties": {
      "path": {"type": "string", "default": "/", "description": "A folder on the disk.", "x-description-zh": "磁盘上的文件夹。"},
      "max_percent": {"type": "integer", "minimum": 0, "maximum": 100, "default": 90,
        "description": "Maximum usage in percent.", "x-description-zh": "允许的最高使用率（%）。"}
    }
  },
  "example": {"path": "/", "max_percent": 90}
}
END
    exit 0
fi

# The parameters are one line of JSON. sed is enough for two simple values; use jq or Python for more.
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

# The last line of JSON is the result, also of a failed run.
printf '{"used_percent": %s, "max_percent": %s}\n' "$used" "$max"
if [ "$used" -gt "$max" ]; then
    echo "the disk of $path is $used % full, more than $max %" >&2
    exit 1 # permanent failure; 75 would request another attempt
fi
