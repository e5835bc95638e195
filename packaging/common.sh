# Sourced by the packaging scripts: the program to pack, its version, and the folder for the results.
# Usage of each: packaging/NAME PROGRAM [FOLDER]; PROGRAM is belfry or belfry.exe, FOLDER by default target/packages.
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
repository="$(dirname "$here")"
program="$(readlink -f "${1:?usage: $0 PROGRAM [FOLDER]}")"
out="$(mkdir -p "${2:-$repository/target/packages}" && readlink -f "${2:-$repository/target/packages}")"
# Another version is packed by the tests of an upgrade.
version="${BELFRY_PACKAGE_VERSION:-$(sed -n 's/^version = "\(.*\)"/\1/p' "$repository/Cargo.toml" | head -n 1)}"
case "$program" in
    *.exe) target=x86_64-pc-windows-gnu system=x86_64-windows ;;
    *) target=x86_64-unknown-linux-gnu system=x86_64-linux ;;
esac
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# Packages made from the same commit are the same.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git -C "$repository" log -1 --format=%ct 2>/dev/null || date +%s)}"

# documents FOLDER: copies what belongs to every package.
documents() {
    mkdir -p "$1"
    cp "$repository"/{README.md,CHANGELOG.md,LICENSE-MIT,LICENSE-APACHE,belfry.example.toml} "$1"
    python3 "$here/third_party.py" --target "$target" --markdown "$1/THIRD_PARTY.md"
}

# generated FOLDER: the manual page and the completions, written by the program itself.
generated() {
    mkdir -p "$1"
    "$program" man >"$1/belfry.1"
    for shell in bash zsh fish; do "$program" completions "$shell" >"$1/belfry.$shell"; done
}
