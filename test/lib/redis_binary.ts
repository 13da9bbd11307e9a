/**
 * Finds something that runs a Redis server: a binary on PATH, else (Debian, root) one installed by apt, else docker.
 * An answer is the command to which redis-server's own arguments are appended.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export type RedisBinary = { kind: 'binary' | 'docker'; command: string }

const BINARIES = ['redis-server', 'valkey-server']
const APT_PACKAGES = ['redis-server', 'valkey-server']
export const DOCKER_IMAGE = 'redis:8.2.1-alpine'

export function findRedis(): RedisBinary {
  const found = binaryOnPath() ?? installed() ?? dockerImage()
  if (found) return found
  throw new Error(
    'no Redis server found: tests need redis-server or valkey-server on PATH ' +
      '(Debian: apt-get install redis-server; macOS: brew install redis), or docker, or REDIS_URL of an empty one',
  )
}

export function binaryOnPath(): RedisBinary | null {
  for (const name of BINARIES) {
    const command = onPath(name)
    if (command) return { kind: 'binary', command }
  }
  return null
}

function onPath(name: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  return null
}

/** Only on Debian and only as root: elsewhere a test run must not change the machine. */
function installed(): RedisBinary | null {
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) return null
  console.error('tests: no Redis server on PATH, installing one with apt-get')
  const apt = (...args: string[]) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    return spawnSync('apt-get', ['-qq', '-y', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
  }
  apt('update')
  for (const name of APT_PACKAGES) {
    if (apt('install', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', name)) break
  }
  return binaryOnPath()
}

function dockerImage(): RedisBinary | null {
  const works = spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0
  return works ? { kind: 'docker', command: 'docker' } : null
}
