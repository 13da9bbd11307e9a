/**
 * More connections per turn of the event loop. libuv (1.52) accepts one per turn from a listening descriptor; under load a
 * turn takes 5 to 50 ms, so of a hundred callers that connect at once the last would be read after seconds, and until then
 * nobody knows that they wait. So several descriptors of the socket are listened to, each of which accepts one per turn.
 */
import { createServer, type Server } from 'node:net'
import { loadAddon } from '../items/addon.ts'

/** A connection that comes alone costs each of them a system call. */
const DESCRIPTORS = 8

/** Closing stops listening and waits for the connections that came this way. */
export type Listeners = { close(): Promise<void> }

/** For a server that listens. What comes is handed to it; without the addon, or descriptors to spare, it accepts alone. */
export async function acceptMore(server: Server): Promise<Listeners> {
  const { addon } = loadAddon()
  const file = descriptorOf(server)
  const count = addon && file !== undefined ? DESCRIPTORS - 1 : 0
  const opening = Array.from({ length: count }, async () => listenOn(addon!.duplicate(file!), server))
  const opened = await Promise.allSettled(opening)
  const listeners = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  return {
    async close() {
      await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))))
    },
  }
}

/** Node has no public way to it. */
const descriptorOf = (server: Server) => (server as Server & { _handle?: { fd?: number } })._handle?.fd

/** Its sockets are made as those of node:http and node:https, both of which take connections that are emitted. */
function listenOn(fd: number, server: Server): Promise<Server> {
  const allowHalfOpen = (server as Server & { allowHalfOpen: boolean }).allowHalfOpen
  const listener = createServer({ allowHalfOpen, noDelay: true })
  listener.on('connection', (socket) => server.emit('connection', socket))
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen({ fd }, () => {
      listener.off('error', reject)
      listener.on('error', (error) => server.emit('error', error))
      resolve(listener)
    })
  })
}
