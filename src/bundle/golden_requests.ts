/**
 * The requests of a golden.json, one after the other. Parsing the file in one piece holds the main thread for longer than
 * a request takes, and as text it would wait in V8's old space for a full collection; so each request is cut out of the
 * bytes, from brace to brace (no byte of a longer UTF-8 character is ASCII), and parsed alone.
 */

const HEAD = /^\s*\{\s*"requests"\s*:\s*\[/
/** Longer than any head that somebody would write. */
const HEAD_BYTES = 256
const TAIL = /^\]\s*\}\s*$/
const BETWEEN = new Set(Buffer.from(' \t\r\n,'))
const [QUOTE, BACKSLASH, OPENING, CLOSING] = Buffer.from('"\\{}')

/** Throws, with the file's path, where the text is not `{ "requests": [ {…}, … ] }`. */
export function* goldenRequests(json: Buffer, path: string): Generator<unknown> {
  const unreadable = (at: number) => new Error(`${path}, byte ${at}: ${difference(json, at)}`)
  let at = HEAD.exec(json.toString('latin1', 0, HEAD_BYTES))?.[0].length ?? 0
  if (at === 0) throw unreadable(0)
  for (let index = 0; ; index++) {
    while (BETWEEN.has(json[at])) at++
    if (json[at] !== OPENING) break
    const end = objectEnd(json, at)
    if (end === at) throw unreadable(json.length)
    yield parse(json.toString('utf8', at, end), `${path}, request ${index}`)
    at = end
  }
  if (!TAIL.test(json.toString('latin1', at))) throw unreadable(at)
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${where}: not JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** Place behind the brace that closes the one which stands there; the start itself where none does. */
function objectEnd(json: Buffer, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) at = stringEnd(json, at)
    else if (byte === OPENING) depth++
    else if (byte === CLOSING && --depth === 0) return at + 1
  }
  return start
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

function difference(json: Buffer, at: number): string {
  const found = at < json.length ? JSON.stringify(json.toString('utf8', at, at + 20)) : 'the end'
  return `found ${found}, expected { "requests": [ {…}, … ] }`
}
