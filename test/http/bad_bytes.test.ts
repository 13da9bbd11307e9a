import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { assertProblem, type ExpectedProblem } from '../lib/problem.ts'
import { post, startTinyService, type TinyService, toCbor } from '../lib/tiny_service.ts'

let service: TinyService
before(async () => {
  service = await startTinyService({ environment: { BODY_BYTES_MAX: `${12 * 2 ** 20}`, REQUEST_TIMEOUT_MS: '1000' } })
})
after(() => service.stop())

const valid = { query: { text: 'red shoes' }, candidates: [1, 8, 15] }
const nan = (value: number) => toCbor({ ...valid, head_weights: { save: value } })
const utf8 = Buffer.from(JSON.stringify({ ...valid, query: { text: 'ä' } })).map((byte) =>
  byte === 0xa4 ? 0x20 : byte,
)
/** `{ query: { text: "" }, candidates: <tag> <bytes> }` */
const tagged = (tag: number, bytes: number) =>
  Buffer.concat([
    Buffer.from('a2657175657279a164746578746' + '06a63616e64696461746573', 'hex'),
    Buffer.from(tag < 24 ? [0xc0 | tag] : tag < 256 ? [0xd8, tag] : [0xd9, tag >> 8, tag & 255]),
    Buffer.from([0x40 | bytes]),
    Buffer.alloc(bytes, 1),
  ])

const BYTES: [string, Uint8Array, boolean, ExpectedProblem][] = [
  ['no JSON', Buffer.from('{"query":'), false, { code: 'malformed_body', field: 'the body', expected: /JSON/ }],
  ['invalid UTF-8 in JSON', utf8, false, { code: 'malformed_body', found: /not UTF-8/ }],
  ['an empty body', Buffer.alloc(0), false, { code: 'malformed_body', found: /nothing/ }],
  [
    'truncated CBOR',
    toCbor(valid).subarray(0, -2),
    true,
    { code: 'malformed_body', found: /the end of the body/, expected: /CBOR/ },
  ],
  [
    'bytes after the CBOR item',
    Buffer.concat([toCbor(valid), Buffer.of(0)]),
    true,
    { code: 'malformed_body', found: /after the end/ },
  ],
  [
    'invalid UTF-8 in CBOR',
    Buffer.from('a1657175657279a1647465787461ff', 'hex'),
    true,
    { code: 'malformed_body', found: /not UTF-8/ },
  ],
  ['a NaN weight', nan(Number.NaN), true, { code: 'invalid_field', field: 'head_weights.save', found: /NaN/ }],
  ['an infinite weight', nan(Number.POSITIVE_INFINITY), true, { code: 'invalid_field', field: 'head_weights.save' }],
  ['candidates as floats', tagged(85, 8), true, { code: 'invalid_field', field: 'candidates', found: /Float32Array/ }],
  [
    'candidates as signed integers',
    tagged(78, 8),
    true,
    { code: 'invalid_field', field: 'candidates', found: /Int32Array/ },
  ],
  ['a typed array cut inside an element', tagged(70, 7), true, { code: 'malformed_body', found: /multiple of 4/ }],
  ['a reserved typed-array tag', tagged(76, 8), true, { code: 'malformed_body', found: /tag 76/ }],
  ['floats of 128 bits', tagged(87, 16), true, { code: 'malformed_body', found: /tag 87/ }],
  ['a date', tagged(1, 4), true, { code: 'malformed_body', found: /tag 1\b/ }],
  [
    'untagged bytes',
    Buffer.from('a2657175657279a16474657874606a63616e6469646174657344010203ff', 'hex'),
    true,
    { code: 'malformed_body', found: /without a typed-array tag/ },
  ],
  [
    'an announced array of 2^31 items',
    Buffer.from('a16a63616e646964617465739a80000000', 'hex'),
    true,
    { code: 'malformed_body' },
  ],
  ['ten thousand nested arrays', Buffer.alloc(10_000, 0x81), true, { code: 'malformed_body', found: /nesting/ }],
  [
    'a body beyond the limit',
    Buffer.alloc(12 * 2 ** 20 + 1, 0x20),
    false,
    { status: 413, code: 'body_too_large', field: 'the body' },
  ],
]

for (const [name, bytes, cbor, expected] of BYTES) {
  test(`refused: ${name}`, async () => assertProblem(await service.post(bytes, { cbor }), expected))
}

test('refused: a gzip bomb, before it unfolds', async () => {
  const bomb = gzipSync(Buffer.alloc(200 * 2 ** 20, 0x20))
  assert.ok(bomb.length < 2 ** 20)
  const answer = await service.post(bomb, { headers: { 'content-encoding': 'gzip' } })
  assertProblem(answer, { status: 413, code: 'body_too_large', found: /after decompression/ })
})

test('refused: damaged gzip, and encodings that are not supported', async () => {
  const broken = await service.post(Buffer.from('plain'), { headers: { 'content-encoding': 'gzip' } })
  assertProblem(broken, { code: 'malformed_body', found: /gzip/ })
  const brotli = await service.post(valid, { headers: { 'content-encoding': 'br' } })
  assertProblem(brotli, { status: 415, code: 'unsupported_encoding', field: 'Content-Encoding', found: /br/ })
})

test('refused: another content type, an unknown address, another method', async () => {
  const type = await service.post(valid, { headers: { 'content-type': 'text/xml' } })
  assertProblem(type, {
    status: 415,
    code: 'unsupported_media_type',
    field: 'Content-Type',
    found: /xml/,
    expected: /cbor/,
  })
  const missing = await fetch(`${service.url}/v2/prerank`)
  assert.equal(((await missing.json()) as { code: string }).code, 'not_found')
  const method = await fetch(`${service.url}/v1/prerank`)
  assert.deepEqual([method.status, method.headers.get('allow')], [405, 'POST'])
})

test('refused on an address that takes nothing but JSON: CBOR, and an empty body', async () => {
  const url = `${service.url}/v1/admin/reload`
  const cbor = await post(url, toCbor({}), { cbor: true })
  assertProblem(cbor, { status: 415, code: 'unsupported_media_type', found: /cbor/, expected: /^application\/json$/ })
  const empty = await raw(
    'POST /v1/admin/reload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
      'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n',
  )
  assert.deepEqual([problemIn(empty).found, problemIn(empty).expected], ['nothing', 'JSON, or no Content-Type'])
})

test('media types are compared without regard to case', async () => {
  const cbor = await service.post(toCbor(valid), { headers: { 'content-type': 'Application/CBOR' } })
  assert.equal(cbor.status, 200, cbor.body.detail)
})

test('refused: a request without Host, and an expectation that nobody meets', async () => {
  const nameless = await raw('GET /healthz HTTP/1.1\r\n\r\n')
  assert.match(nameless, /^HTTP\/1\.1 400 /)
  assert.equal(problemIn(nameless).field, 'Host')
  const hopeful = await raw('GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n')
  assert.match(hopeful, /^HTTP\/1\.1 417 /)
  assert.deepEqual([problemIn(hopeful).code, problemIn(hopeful).found], ['expectation_failed', 'miracles'])
})

test('refused: oversized headers and what is no HTTP', async () => {
  const large = await raw(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Filler: ${'x'.repeat(20_000)}\r\n\r\n`)
  assert.match(large, /^HTTP\/1\.1 431 /)
  assert.deepEqual([problemIn(large).code, problemIn(large).expected], ['headers_too_large', 'at most 16384 bytes'])
  const noise = await raw('\x16\x03\x01 hello\r\n\r\n')
  assert.match(noise, /^HTTP\/1\.1 400 /)
  assert.equal(problemIn(noise).code, 'malformed_request')
})

test('refused: a body that does not arrive in time', async () => {
  const late = await raw(
    'POST /v1/prerank HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
  )
  assert.match(late, /^HTTP\/1\.1 408 /)
  assert.equal(problemIn(late).code, 'request_timeout')
})

test('clients that hang up, before or after their body is complete, disturb nobody', async () => {
  const bytes = Buffer.from(
    JSON.stringify({ ...valid, candidates: Array.from({ length: 50_000 }, (_, index) => index) }),
  )
  const hang_ups = Array.from({ length: 40 }, (_, index) => {
    const abort = new AbortController()
    const answer = service.post(bytes, { signal: abort.signal })
    setTimeout(() => abort.abort(), index)
    return answer.then(
      () => 'answered',
      () => 'gone',
    )
  })
  assert.ok((await Promise.all(hang_ups)).includes('gone'))
  assert.equal((await service.post(valid)).status, 200)
  const scrape = async () => (await fetch(`${service.url}/metrics`)).text()
  // The scrape itself is one.
  while (!/^prerank_requests_in_flight 1$/m.test(await scrape())) await sleep(50)
  const metrics = await scrape()
  assert.match(metrics, /code="client_gone"\} [1-9]/)
  assert.doesNotMatch(metrics, /status="5\d\d"/)
})

/** What the server says to these bytes on a bare connection. */
async function raw(bytes: string): Promise<string> {
  const { hostname, port } = new URL(service.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.write(bytes)
  return text(socket)
}

const problemIn = (response: string) =>
  JSON.parse(response.slice(response.indexOf('\r\n\r\n') + 4)) as Record<string, string>
