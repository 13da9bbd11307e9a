/** `prerank …` as a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

const CLI = new URL('../../src/cli.ts', import.meta.url).pathname

export type Ended = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string; ms: number }

export type Kill = { signal: NodeJS.Signals } & ({ after_ms: number } | { when: RegExp })

/** Sends the signal after that long, or when stderr says so, if the process is still there. */
export async function prerank(args: string[], kill?: Kill): Promise<Ended> {
  const started = performance.now()
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  if (kill) {
    await Promise.race(['after_ms' in kill ? sleep(kill.after_ms) : said(child.stderr, kill.when), output])
    child.kill(kill.signal)
  }
  const [stdout, stderr, [code, signal]] = await output
  return { code, signal, stdout, stderr, ms: performance.now() - started }
}

async function said(stream: Readable, expected: RegExp): Promise<void> {
  let heard = ''
  return new Promise((resolve) => {
    stream.on('data', (chunk) => {
      heard += chunk
      if (expected.test(heard)) resolve()
    })
  })
}
