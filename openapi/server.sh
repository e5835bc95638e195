# Functions to source: start a server in a temporary folder for API tests. Sets BELFRY_URL, BELFRY_TOKEN and BELFRY_FOLDER; the server
# is stopped and the folder removed when the shell exits.

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# The folder for tools and generated code, outside the sources.
proofs="${BELFRY_PROOFS:-$repository/target/proofs}"
# Resolved before a client sets its own CARGO_TARGET_DIR.
built="${BELFRY:-${CARGO_TARGET_DIR:-$repository/target}/debug/belfry}"

# start_server [line of belfry.toml ...]
start_server() {
    local program="$built" line=""
    [ -x "$program" ] || { echo "$program is missing: run cargo build, or set BELFRY to the program" >&2; return 1; }
    BELFRY_FOLDER="$(mktemp -d)"
    BELFRY_TOKEN="api-test-$$-$RANDOM$RANDOM$RANDOM"
    trap end_server EXIT
    printf '%s\n' "$@" >"$BELFRY_FOLDER/belfry.toml"
    local -a clean=()
    while read -r name; do clean+=(-u "$name"); done < <(compgen -e | grep '^BELFRY_')
    (cd "$BELFRY_FOLDER" && exec env "${clean[@]}" -u RUST_LOG BELFRY_ADMIN_TOKEN="$BELFRY_TOKEN" \
        "$program" serve --listen 127.0.0.1:0 >ready 2>log </dev/null) &
    server=$!
    until line="$(grep -o 'http://[^ ]*' "$BELFRY_FOLDER/ready" 2>/dev/null)"; do
        kill -0 "$server" 2>/dev/null || { echo "the server did not start:" >&2; cat "$BELFRY_FOLDER/log" >&2; return 1; }
        sleep 0.1
    done
    BELFRY_URL="${line%/}"
    export BELFRY_URL BELFRY_TOKEN BELFRY_FOLDER
}

end_server() {
    [ -z "${server:-}" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
    rm -rf "$BELFRY_FOLDER"
}

# python_with <name> <requirements>: creates a virtual environment, reused until the requirements change; prints its bin folder.
python_with() {
    local home="$proofs/$1"
    if ! cmp -s "$2" "$home/requirements.txt"; then
        rm -rf "$home"
        python3 -m venv "$home" >&2
        "$home/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$2" >&2
        cp "$2" "$home/requirements.txt"
    fi
    echo "$home/bin"
}
