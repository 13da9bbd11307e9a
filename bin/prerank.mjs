#!/usr/bin/env node
// `prerank`, from any Node ≥ 20. The sources are TypeScript, which Node runs from 24 on; an older one hands over to the
// Node that package.json pins, which npm installs beside the other dependencies.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR_MIN = 24
const cli = new URL('../src/cli.ts', import.meta.url)

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) await import(cli.href)
else handOver(pinnedNode())

/** The binary of the package `node`, or null. */
function pinnedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json')
    const binary = join(dirname(manifest), 'bin', 'node')
    return existsSync(binary) ? binary : null
  } catch {
    return null
  }
}

function handOver(node) {
  if (node === null) {
    process.stderr.write(
      `prerank: found Node ${process.versions.node} and no pinned one in node_modules, expected Node ${NODE_MAJOR_MIN} ` +
        'or newer; `npm ci` in the repository installs the pinned one\n',
    )
    process.exit(1)
  }
  const child = spawn(node, [fileURLToPath(cli), ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal sends its signals to both, and a second one would mean impatience; SIGTERM comes to this process alone.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', (error) => {
    process.stderr.write(`prerank: ${node}: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}
