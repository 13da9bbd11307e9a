import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { acceptMore } from '../../src/http/accept_more.ts'

const CALLERS = 96

/** Turns of the event loop between the first and the last connection of callers that come at once. */
async function turnsFor(server: http.Server): Promise<number> {
  const { port } = server.address() as AddressInfo
  let turns = 0
  const count = () => {
    turns++
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const accepted: number[] = []
  const all = Promise.withResolvers<void>()
  const onConnection = () => {
    accepted.push(turns)
    if (accepted.length === CALLERS) all.resolve()
  }
  server.on('connection', onConnection)
  const callers: Socket[] = Array.from({ length: CALLERS }, () => connect(port, '127.0.0.1'))
  await all.promise
  clearImmediate(counting)
  server.off('connection', onConnection)
  for (const caller of callers) caller.destroy()
  return accepted.at(-1)! - accepted[0]
}

test('callers that come at once are accepted eight per turn, not one', async () => {
  const server = http.createServer((_, response) => response.end('here')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const alone = await turnsFor(server)
  const more = await acceptMore(server)
  const together = await turnsFor(server)
  assert.ok(together <= Math.ceil(alone / 4), `${together} turns instead of ${alone}`)
  await Promise.all([more.close(), new Promise((resolve) => server.close(resolve))])
})

test('closing ends all ways in, and waits for what came through any of them', async () => {
  const server = http.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const more = await acceptMore(server)
  const { port } = server.address() as AddressInfo
  const waiting: http.ServerResponse[] = []
  const all = Promise.withResolvers<void>()
  server.on('request', (_, response) => {
    if (waiting.push(response) === CALLERS) all.resolve()
  })
  const agent = new http.Agent({ keepAlive: true })
  const answers = Array.from({ length: CALLERS }, () => fetchWith(agent, port))
  await all.promise
  let isClosed = false
  const closed = Promise.all([more.close(), new Promise((resolve) => server.close(resolve))]).then(() => {
    isClosed = true
  })
  await assert.rejects(fetchWith(agent, port), { code: 'ECONNREFUSED' })
  assert.equal(isClosed, false)
  for (const response of waiting) response.setHeader('connection', 'close').end('here')
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['here']))
  await closed
  agent.destroy()
})

function fetchWith(agent: http.Agent, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ agent, port, host: '127.0.0.1' }, async (response) => {
      let body = ''
      for await (const chunk of response) body += chunk
      resolve(body)
    })
    request.once('error', reject)
  })
}
