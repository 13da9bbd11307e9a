/** A TCP proxy on a free port that holds answers back: a network, or a server, that has become slow. */
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'

export type SlowProxy = {
  port: number
  /** From now on, what the server sends arrives that much later. */
  delay(ms: number): void
  close(): Promise<void>
}

export async function startSlowProxy(server_port: number): Promise<SlowProxy> {
  let delay_ms = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = createConnection({ port: server_port, host: '127.0.0.1' })
    client.pipe(upstream)
    // Timers of one length fire in the order they were set, so bytes stay in order.
    upstream.on('data', (bytes) => setTimeout(() => client.write(bytes), delay_ms))
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    delay(ms) {
      delay_ms = ms
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
