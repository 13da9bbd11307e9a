/** HTTP by hand over one connection: bodies that are held back, answers that come before the body is sent. */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type RawAnswer = { status: number; headers: string; body: string; took_ms: number }

export type RawConnection = {
  write(text: string): void
  /** The next answer; its time counts from the last write. */
  answer(): Promise<RawAnswer>
  close(): void
}

const PATIENCE_MS = 20_000
const WHOLE = /^HTTP\/1\.1 (\d+)[^\r]*\r\n((?:[^\r]+\r\n)*)\r\n/

export function connectTo(url: string): RawConnection {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let received = ''
  let written_ms = 0
  let read_ms = 0
  socket.on('data', (chunk) => {
    read_ms = performance.now()
    received += chunk.toString('latin1')
  })
  socket.on('error', () => {})

  function take(): RawAnswer | null {
    const head = WHOLE.exec(received)
    if (!head) return null
    const length = Number(/content-length: (\d+)/i.exec(head[2])?.[1] ?? 0)
    const end = head[0].length + length
    if (received.length < end) return null
    const body = received.slice(head[0].length, end)
    received = received.slice(end)
    return { status: Number(head[1]), headers: head[2].toLowerCase(), body, took_ms: read_ms - written_ms }
  }

  return {
    write(text) {
      written_ms = performance.now()
      socket.write(text)
    },
    async answer() {
      for (const end_ms = Date.now() + PATIENCE_MS; Date.now() < end_ms; ) {
        const answer = take()
        if (answer) return answer
        await sleep(2)
      }
      throw new Error(`no whole answer in ${JSON.stringify(received.slice(0, 200))}`)
    },
    close: () => socket.destroy(),
  }
}

/** Head of a POST of JSON to the prerank route, or with the address that is given. */
export function headOf(length: number, headers: Record<string, string> = {}, address = '/v1/prerank'): string {
  const all = { host: 'test', 'content-type': 'application/json', 'content-length': `${length}`, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return `POST ${address} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}
