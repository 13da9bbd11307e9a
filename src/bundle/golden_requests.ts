/**
 * The requests of a golden.json, one after the other. Parsing the file in one piece holds the main thread for longer than
 * a request takes; so each of them is cut out, from brace to brace, and parsed alone.
 */
export type GoldenEntry = {
  now_ms: number
  request: unknown
  blobs: Record<string, string>
  ids: (string | number)[]
  scores: number[]
}

const HEAD = /^\s*\{\s*"requests"\s*:\s*\[/
const BETWEEN = /[\s,]*/y
const TAIL = /^\]\s*\}\s*$/
const [QUOTE, BACKSLASH, OPENING, CLOSING] = Array.from('"\\{}', (character) => character.charCodeAt(0))

/** Throws where the text is not `{ "requests": [ {…}, … ] }`. */
export function* goldenRequests(text: string): Generator<GoldenEntry> {
  let at = HEAD.exec(text)?.[0].length ?? 0
  if (at === 0) throw unreadable(text, 0)
  for (;;) {
    BETWEEN.lastIndex = at
    at += BETWEEN.exec(text)![0].length
    if (text.charCodeAt(at) !== OPENING) break
    const end = objectEnd(text, at)
    yield JSON.parse(text.slice(at, end))
    at = end
  }
  if (!TAIL.test(text.slice(at))) throw unreadable(text, at)
}

function objectEnd(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = stringEnd(text, at)
    else if (code === OPENING) depth++
    else if (code === CLOSING && --depth === 0) return at + 1
  }
  throw unreadable(text, text.length)
}

/** Place of the quote that ends the string which begins there. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end > 0; end = text.indexOf('"', end + 1)) {
    let escapes = end
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--
    if ((end - escapes) % 2 === 0) return end
  }
  return text.length
}

function unreadable(text: string, at: number): Error {
  const found = at < text.length ? JSON.stringify(text.slice(at, at + 20)) : 'the end'
  return new Error(`golden requests, character ${at}: found ${found}, expected { "requests": [ {…}, … ] }`)
}
