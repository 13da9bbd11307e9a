#!/usr/bin/env bash
# The kernel and item table suites, then the fuzzer, over an addon compiled with AddressSanitizer and
# UndefinedBehaviorSanitizer:  bench/kernel/sanitize.sh [mutations of each kind, default 100000]
# Works on a copy of the sources, so that the addon in build/ stays as it is.
set -euo pipefail
cd "$(dirname "$0")/../.."

MUTATIONS=${1:-100000}
COPY=$(mktemp -d)
trap 'rm -rf "$COPY"' EXIT
cp -r package.json src test "$COPY"
ln -s "$PWD/node_modules" "$COPY/node_modules"
cd "$COPY"

# IFUNC resolvers run before the sanitizer is ready, so each instruction level has a build of its own.
build() {
  LEVEL=$1 node --input-type=module -e '
    import { compile } from "./src/kernel/build.mjs"
    const sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    const flags = ["-O1", "-g", "-DPRERANK_NO_CLONES", ...sanitizers, process.env.LEVEL].filter(Boolean)
    const { ok, message } = compile({ output: "build/prerank.node", flags })
    if (!ok) throw new Error(message)
  '
}

# Node itself is not built with sanitizers: the runtime comes in by preload, and what node keeps until exit is no leak.
sanitized() {
  LD_PRELOAD="$(${CC:-cc} -print-file-name=libasan.so) $(${CC:-cc} -print-file-name=libubsan.so)" \
    ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    PATH="$COPY/node_modules/.bin:$PATH" "$@"
}

# What is JavaScript alone has nothing to sanitize.
suites() { sanitized node --test --test-concurrency=2 --test-timeout=600000 --test-skip-pattern='/^reference:/' "$@"; }

[ -w /dev/shm ] && export TMPDIR=/dev/shm
echo "sanitize: kernel suites, baseline instructions"
build ""
suites test/kernel/*.test.ts
echo "sanitize: all suites, -march=native"
build -march=native
suites test/kernel/*.test.ts test/items/*.test.ts test/http/json_columns.test.ts
echo "sanitize: fuzz"
sanitized node test/kernel/fuzz.ts $((MUTATIONS / 2)) 1 &
sanitized node test/kernel/fuzz.ts $((MUTATIONS - MUTATIONS / 2)) 2
wait $!
