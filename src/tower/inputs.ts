/**
 * Fills a tower's ONNX inputs from the sources its manifest names (docs/formats.md §9). Query tower and item tower,
 * server and jobs use this one assembler. A feed holds one array per input, row after row.
 */
import type { Manifest, TowerInput } from '../bundle/manifest.ts'
import { textNgrams } from '../features/text.ts'
import type { TopItems } from '../features/top_items.ts'
import { applyTransform } from '../features/transform.ts'

export type TowerFeed = (Float32Array | Int32Array)[]

export type InputValue = string | number | Float32Array | readonly number[]

/** Events whose items are in the table, newest first; `content` is [length × C]. */
export type EventColumns = {
  length: number
  content: Float32Array
  actions: ArrayLike<number>
  ages_seconds: ArrayLike<number>
}

/** Best items of a query that are in the table; `content` reads [length × C]. */
export type TopColumns = { length: number; content(): Float32Array; shares: TopItems['shares'] }

/** Where the values of one row come from: a request, or an item of the catalogue. */
export type InputScope = {
  value(path: string): InputValue | undefined
  events?: EventColumns
  topItems?(segment: string, column: string): TopColumns | undefined
}

export type InputAssembler = {
  /** A zeroed feed of that many rows. */
  create(rows: number): TowerFeed
  /** Writes one row; throws an InputError for a value that cannot be what the input takes. */
  fill(feed: TowerFeed, row: number, scope: InputScope): void
}

/** A value of the wrong kind or size: the caller's mistake. */
export class InputError extends Error {
  readonly path: string

  constructor(path: string, found: string, expected: string) {
    super(`${path}: found ${found}, expected ${expected}`)
    this.name = 'InputError'
    this.path = path
  }
}

type Filler = (out: Float32Array | Int32Array, scope: InputScope) => void

export function compileInputs(inputs: readonly TowerInput[], vocabularies: Manifest['vocabularies']): InputAssembler {
  const elements = inputs.map((input) => input.shape.reduce((product, size) => product * size, 1))
  const total = elements.reduce((sum, count) => sum + count, 0)
  const indexes = new Map(Object.entries(vocabularies).map(([name, values]) => [name, vocabularyIndex(values)]))
  const fillers = inputs.map((input) => filler(input, indexes))
  return {
    // One allocation: each outside the heap costs more than filling most inputs.
    create(rows) {
      const memory = new ArrayBuffer(4 * rows * total)
      let at = 0
      return inputs.map(({ dtype }, index) => {
        const count = rows * elements[index]
        const view = dtype === 'int32' ? new Int32Array(memory, at, count) : new Float32Array(memory, at, count)
        at += view.byteLength
        return view
      })
    },
    fill(feed, row, scope) {
      for (let index = 0; index < fillers.length; index++) {
        const [all, count] = [feed[index], elements[index]]
        // A view costs more than filling most inputs.
        fillers[index](all.length === count ? all : all.subarray(row * count, (row + 1) * count), scope)
      }
    },
  }
}

function filler({ source, shape }: TowerInput, indexes: ReadonlyMap<string, Map<string, number>>): Filler {
  switch (source.kind) {
    case 'text_ngrams': {
      const options = { ...source, length: shape[0] }
      return (out, scope) => {
        const text = source.from.map((path) => textAt(scope, path)).filter((part) => part !== undefined)
        out.set(textNgrams(text.join(' '), options))
      }
    }
    case 'vocabulary': {
      const index = indexes.get(source.vocabulary)
      return (out, scope) => {
        const value = textAt(scope, source.from)
        out[0] = value === undefined ? 0 : (index?.get(value) ?? 0)
      }
    }
    case 'numeric':
      return (out, scope) => {
        for (const [at, path] of source.from.entries()) {
          out[at] = applyTransform(source.transforms[at], numberAt(scope, path))
        }
      }
    case 'vector':
      return (out, scope) => setVector(out, source.from, scope.value(source.from))
    case 'present':
      return (out, scope) => {
        out[0] = scope.value(source.from) === undefined ? 0 : 1
      }
    case 'sequence':
      return (out, scope) => fillEvents(out, { column: source.column, length: shape[0], events: scope.events })
    case 'top_items':
      return (out, scope) => fillTop(out, source.read, scope.topItems?.(source.segment, source.column))
    case 'constant':
      return (out) => {
        out.fill(source.value)
      }
  }
}

function fillEvents(
  out: Float32Array | Int32Array,
  {
    column,
    length,
    events,
  }: { column: 'content' | 'action' | 'age_seconds' | 'mask'; length: number; events: EventColumns | undefined },
): void {
  out.fill(0)
  if (!events) return
  const filled = Math.min(length, events.length)
  if (column === 'content') out.set(events.content.subarray(0, (out.length / length) * filled))
  else if (column === 'mask') out.fill(1, 0, filled)
  else {
    const values = column === 'action' ? events.actions : events.ages_seconds
    for (let i = 0; i < filled; i++) out[i] = values[i]
  }
}

function fillTop(
  out: Float32Array | Int32Array,
  read: 'content' | 'mask' | 'share',
  top: TopColumns | undefined,
): void {
  out.fill(0)
  if (!top) return
  if (read === 'mask') out.fill(1, 0, top.length)
  else out.set(read === 'content' ? top.content() : top.shares)
}

function setVector(out: Float32Array | Int32Array, path: string, value: InputValue | undefined): void {
  if (value === undefined) {
    out.fill(0)
    return
  }
  if (typeof value === 'string' || typeof value === 'number') {
    throw new InputError(path, `a ${typeof value}`, `a vector of ${out.length} numbers`)
  }
  if (value.length !== out.length) throw new InputError(path, `${value.length} numbers`, `a vector of ${out.length}`)
  out.set(value)
}

function textAt(scope: InputScope, path: string): string | undefined {
  const value = scope.value(path)
  if (value === undefined || typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  throw new InputError(path, `${value.length} numbers`, 'text')
}

function numberAt(scope: InputScope, path: string): number | undefined {
  const value = scope.value(path)
  if (value === undefined || typeof value === 'number') return value
  throw new InputError(path, typeof value === 'string' ? 'text' : `${value.length} numbers`, 'one number')
}

function vocabularyIndex(values: readonly string[]): Map<string, number> {
  return new Map(values.map((value, index) => [value, index + 1]))
}
