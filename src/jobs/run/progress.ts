/** Progress of a job on stderr: one redrawn bar per step on a terminal, plain lines elsewhere. */
import { formatCount, formatDuration } from './format.ts'

const REDRAW_MS = 100
const LINE_MS = 10_000
const BAR_CELLS = 24
/** Where the terminal does not say how wide it is. */
const COLUMNS = 80
/** Before that share is done, the time left is a guess. */
const ESTIMATE_SHARE_MIN = 0.02

/** One step under way. `done` and `total` are in the step's unit. */
export type Step = { advance(done: number): void; finish(note?: string): void }

export type Progress = {
  /** Without `total` only the amount is shown. */
  step(name: string, options?: { total?: number; unit?: string }): Step
  line(text: string): void
  /** Wipes a half-drawn bar, so that an error starts on a line of its own. */
  clear(): void
}

type Sink = { write(text: string): unknown; isTTY?: boolean; columns?: number }

export function createProgress(sink: Sink): Progress {
  const redraws = sink.isTTY === true
  let drawn = false

  function clear(): void {
    if (drawn) sink.write('\r\x1b[2K')
    drawn = false
  }
  function line(text: string): void {
    clear()
    sink.write(`${text}\n`)
  }
  function draw(text: string): void {
    sink.write(`\r\x1b[2K${text.slice(0, (sink.columns || COLUMNS) - 1)}`)
    drawn = true
  }

  return {
    line,
    clear,
    step(name, { total, unit = '' } = {}) {
      const started = performance.now()
      let shown = redraws ? started - REDRAW_MS : started
      return {
        advance(done) {
          const now = performance.now()
          if (now - shown < (redraws ? REDRAW_MS : LINE_MS)) return
          shown = now
          const state = describe({ name, done, total, unit, elapsed_ms: now - started })
          if (redraws) draw(state)
          else line(state)
        },
        finish(note = '') {
          line(`${name}: ${formatDuration(performance.now() - started)}${note === '' ? '' : `, ${note}`}`)
        },
      }
    },
  }
}

/** For callers that want a job's result and nothing on a terminal. */
export function silentProgress(): Progress {
  return { step: () => ({ advance() {}, finish() {} }), line() {}, clear() {} }
}

type State = { name: string; done: number; total: number | undefined; unit: string; elapsed_ms: number }

function describe({ name, done, total, unit, elapsed_ms }: State): string {
  const rate = done / (elapsed_ms / 1000)
  const speed = unit === '' ? '' : `, ${formatCount(Math.round(rate))} ${unit}/s`
  if (!total) return `${name}: ${formatCount(Math.round(done))}${unit === '' ? '' : ` ${unit}`}${speed}`
  const share = Math.min(done / total, 1)
  const filled = Math.round(share * BAR_CELLS)
  const left = share >= ESTIMATE_SHARE_MIN ? `, ${formatDuration((elapsed_ms * (1 - share)) / share)} left` : ''
  return `${name} [${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}] ${(share * 100).toFixed(0)} %${speed}${left}`
}
