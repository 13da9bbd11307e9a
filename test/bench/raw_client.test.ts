import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRawClient } from '../../bench/service/raw_client.ts'

/** What a connection that sends `needle` is answered with, in pieces. */
const ANSWERS: [needle: string, pieces: string[]][] = [
  ['good', ['HTTP/1.1 200 OK\r\nServer-Timing: kernel;dur=2\r\ncontent-le', 'ngth: 4\r\n\r', '\nab', 'cd']],
  ['busy', ['HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nla', 'ter']],
  ['endless', ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n']],
]

let connections = 0
const requests: string[] = []
const server = createServer((socket) => {
  connections++
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.on('data', (data) => void answer(socket, `${data}`))
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/prerank`)
after(() => server.close())

async function answer(socket: Socket, request: string): Promise<void> {
  requests.push(request)
  const pieces = ANSWERS.find(([needle]) => request.includes(needle))?.[1]
  if (!pieces) return void socket.destroy()
  for (const piece of pieces) {
    socket.write(piece)
    await sleep(2)
  }
}

const clientOf = (connections_max: number) =>
  createRawClient(url, { content_type: 'application/json', connections_max })
const body = (...pieces: string[]) => pieces.map((piece) => Buffer.from(piece))

test('answers are read whatever pieces they come in, over the same connection', async () => {
  const client = clientOf(1)
  const before = connections
  const [good, busy] = await Promise.all([
    client.send(body('"go', 'od"'), performance.now()),
    client.send(body('"busy"'), 0),
  ])
  assert.deepEqual([good.status, good.stages, `${good.body}`], [200, { kernel: 2 }, ''])
  assert.ok(good.latency_ms >= 4, `${good.latency_ms} ms`)
  assert.deepEqual([busy.status, `${busy.body}`], [503, 'later'])
  assert.equal(connections - before, 1)
  assert.match(requests[0], /^POST \/v1\/prerank HTTP\/1.1\r\n(.+\r\n)*content-length: 6\r\n\r\n"good"$/)
  client.close()
})

test('the body of a good answer is kept where it is asked for', async () => {
  const client = createRawClient(url, { content_type: 'application/json', connections_max: 1, keeps_bodies: true })
  for (let times = 0; times < 2; times++) {
    const { body: kept } = await client.send(body('"good"'), 0)
    assert.equal(`${kept}`, 'abcd')
  }
  client.close()
})

test('an answer without a length, and none at all, are errors', async () => {
  const client = clientOf(4)
  await assert.rejects(client.send(body('"endless"'), 0), /without content-length/)
  await assert.rejects(client.send(body('"gone"'), 0), /closed/)
  client.close()
})

test('another connection takes the place of one that was closed', async () => {
  const client = clientOf(1)
  const sent = ['"gone"', '"good"', '"gone"', '"good"'].map((text) => client.send(body(text), 0))
  const outcomes = await Promise.allSettled(sent)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
  )
  client.close()
})

test('what is not HTTP is refused', () => {
  assert.throws(() => createRawClient(new URL('https://a'), { content_type: '', connections_max: 1 }), /expected http:/)
})
