/**
 * The requests of a golden.json, one after the other. Parsing the file in one piece holds the main thread for longer than
 * a request takes, and as text it would wait in V8's old space for a full collection; so each request is cut out of the
 * bytes, from brace to brace (no byte of a longer UTF-8 character is ASCII), and parsed alone.
 */
export type GoldenEntry = {
  now_ms: number
  request: unknown
  blobs: Record<string, string>
  ids: (string | number)[]
  scores: number[]
}

const HEAD = /^\s*\{\s*"requests"\s*:\s*\[/
/** Longer than any head that somebody would write. */
const HEAD_BYTES = 256
const TAIL = /^\]\s*\}\s*$/
const BETWEEN = new Set(Buffer.from(' \t\r\n,'))
const [QUOTE, BACKSLASH, OPENING, CLOSING] = Buffer.from('"\\{}')

/** Throws where the text is not `{ "requests": [ {…}, … ] }`. */
export function* goldenRequests(json: Buffer): Generator<GoldenEntry> {
  let at = HEAD.exec(json.toString('latin1', 0, HEAD_BYTES))?.[0].length ?? 0
  if (at === 0) throw unreadable(json, 0)
  for (;;) {
    while (BETWEEN.has(json[at])) at++
    if (json[at] !== OPENING) break
    const end = objectEnd(json, at)
    yield JSON.parse(json.toString('utf8', at, end))
    at = end
  }
  if (!TAIL.test(json.toString('latin1', at))) throw unreadable(json, at)
}

function objectEnd(json: Buffer, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) at = stringEnd(json, at)
    else if (byte === OPENING) depth++
    else if (byte === CLOSING && --depth === 0) return at + 1
  }
  throw unreadable(json, json.length)
}

/** Place of the quote that ends the string which begins there. */
function stringEnd(json: Buffer, start: number): number {
  for (let end = json.indexOf(QUOTE, start + 1); end > 0; end = json.indexOf(QUOTE, end + 1)) {
    let escapes = end
    while (json[escapes - 1] === BACKSLASH) escapes--
    if ((end - escapes) % 2 === 0) return end
  }
  return json.length
}

function unreadable(json: Buffer, at: number): Error {
  const found = at < json.length ? JSON.stringify(json.toString('utf8', at, at + 20)) : 'the end'
  return new Error(`golden requests, byte ${at}: found ${found}, expected { "requests": [ {…}, … ] }`)
}
