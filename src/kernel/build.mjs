/**
 * Compiles the native kernel to build/prerank.node with the system's C compiler: npm's postinstall, so plain JavaScript
 * for any Node ≥ 20, no download, no node-gyp. Without a compiler it says so and succeeds: the reference kernel serves.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { argv, env, execPath, exit, pid, platform } from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const output = join(root, 'build', 'prerank.node')

/** Every source of the addon. */
export function sources() {
  return ['src/items/native', 'src/kernel/native', 'src/http/native'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.c'))
      .map((name) => join(root, folder, name)),
  )
}

/**
 * @param {{ output: string, flags: string[], files?: string[] }} options
 * @returns {{ ok: boolean, message: string }}
 */
export function compile({ output, flags, files = sources() }) {
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir
  // Never unloaded: a signal handler points into it, and a worker thread that ends would take it away.
  const shared = platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-Wl,-z,nodelete']
  const common = ['-std=gnu11', '-fPIC', '-fvisibility=hidden', '-Wno-psabi', '-DNAPI_VERSION=8', '-I', headers]
  const temporary = `${output}.${pid}.tmp`
  mkdirSync(dirname(output), { recursive: true })
  const compiler = env.CC || 'cc'
  const args = [...common, ...flags, ...shared, ...files, '-o', temporary, '-lm', '-lpthread']
  const { error, status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' })
  if (error || status !== 0) {
    rmSync(temporary, { force: true })
    return { ok: false, message: error ? `${compiler}: ${error.message}` : stderr.trim() }
  }
  renameSync(temporary, output)
  return { ok: true, message: compiler }
}

/** Whether it loads with every symbol bound; Clang before 17 names clones so that other files do not find them. */
function loads(path) {
  const options = { env: { ...env, LD_BIND_NOW: '1' } }
  return spawnSync(execPath, ['-e', `require(${JSON.stringify(path)})`], options).status === 0
}

/** target_clones needs GCC ≥ 12 or Clang ≥ 17 and a loader with IFUNC (glibc); without it the baseline must do. */
function build() {
  const best = compile({ output, flags: ['-O3'] })
  if (best.ok && loads(output)) return console.log(`prerank: native kernel compiled with ${best.message}`)
  const plain = compile({ output, flags: ['-O3', '-DPRERANK_NO_CLONES'] })
  if (plain.ok && loads(output)) {
    return console.log(`prerank: native kernel compiled with ${plain.message}, baseline instructions only`)
  }
  rmSync(output, { force: true })
  console.log('prerank: no native kernel, the slower TypeScript one will serve. To get it, install a C compiler')
  console.log(`(Debian: apt-get install gcc libc6-dev) and run "npm rebuild". ${plain.message.split('\n')[0]}`)
}

if (argv[1] && import.meta.url === pathToFileURL(realpathSync(argv[1])).href) {
  build()
  exit(0)
}
