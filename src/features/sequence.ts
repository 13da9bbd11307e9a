/** A user's engagement sequence (docs/formats.md §5): 16 bytes per event, newest first. */

export const EVENT_BYTES = 16
/** Events that a stored sequence keeps. */
export const SEQUENCE_EVENTS_MAX = 100
/** An action code is a byte. */
export const ACTION_CODES = 256

const TIME_BITS = 2 ** 48

export type EngagementEvent = { key: bigint; action: number; time_ms: number }

/** Columns of L events. */
export type Sequence = { keys: BigUint64Array; actions: Uint8Array; times_ms: Float64Array }

export function sequenceKey(user_id: string): string {
  return `seq:{${user_id}}`
}

export function encodeEvents(events: readonly EngagementEvent[]): Uint8Array {
  const bytes = new Uint8Array(events.length * EVENT_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [index, event] of events.entries()) {
    assertEvent(event)
    const at = index * EVENT_BYTES
    view.setBigUint64(at, event.key, true)
    view.setUint32(at + 8, event.time_ms % 2 ** 32, true)
    view.setUint16(at + 12, Math.floor(event.time_ms / 2 ** 32), true)
    view.setUint8(at + 15, event.action)
  }
  return bytes
}

export function decodeEvents(bytes: Uint8Array): Sequence {
  if (bytes.byteLength % EVENT_BYTES !== 0) {
    throw new Error(`sequence: found ${bytes.byteLength} bytes, expected a multiple of ${EVENT_BYTES}`)
  }
  const length = bytes.byteLength / EVENT_BYTES
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const sequence = emptySequence(length)
  // Halves, because a BigInt per event is an allocation.
  const halves = new Uint32Array(sequence.keys.buffer, 0, 2 * length)
  for (let i = 0; i < length; i++) {
    const at = i * EVENT_BYTES
    if (view.getUint8(at + 14) !== 0) {
      throw new Error(`sequence: event ${i} has ${view.getUint8(at + 14)} in bits 48–55, expected zero`)
    }
    halves[2 * i] = view.getUint32(at, true)
    halves[2 * i + 1] = view.getUint32(at + 4, true)
    sequence.times_ms[i] = view.getUint32(at + 8, true) + view.getUint16(at + 12, true) * 2 ** 32
    sequence.actions[i] = view.getUint8(at + 15)
  }
  return sequence
}

/** The time of one packed event. */
export function timeOf(event: Uint8Array): number {
  const view = new DataView(event.buffer, event.byteOffset, EVENT_BYTES)
  return view.getUint32(8, true) + view.getUint16(12, true) * 2 ** 32
}

/** All columns in one allocation. */
export function emptySequence(length = 0): Sequence {
  const memory = new ArrayBuffer(17 * length)
  return {
    keys: new BigUint64Array(memory, 0, length),
    times_ms: new Float64Array(memory, 8 * length, length),
    actions: new Uint8Array(memory, 16 * length, length),
  }
}

function assertEvent({ key, action, time_ms }: EngagementEvent): void {
  if (key < 0n || key >= 2n ** 64n) throw new RangeError(`event: item key ${key}, expected 0 to 2^64 − 1`)
  if (!Number.isInteger(action) || action < 0 || action >= ACTION_CODES) {
    throw new RangeError(`event: action code ${action}, expected 0 to ${ACTION_CODES - 1}`)
  }
  if (!Number.isInteger(time_ms) || time_ms < 0 || time_ms >= TIME_BITS) {
    throw new RangeError(`event: time ${time_ms}, expected whole milliseconds, 0 to 2^48 − 1`)
  }
}
