# For the scripts beside it, which source it in the checkout's folder.

# build_release TARGET...: sets the machine up and builds; shows the tools' output only if they fail.
build_release() {
  scripts/setup
  local log=build/release/build.log
  mkdir -p build/release
  if ! { .deps/venv/bin/cmake --preset release && .deps/venv/bin/cmake --build --preset release --target "$@"; } \
    >"$log" 2>&1; then
    cat "$log" >&2
    return 1
  fi
}
