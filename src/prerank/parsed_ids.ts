/**
 * Candidates that became item keys while their body was read, without a value for each in between. A class, so that no body
 * can pass for one.
 */
export class ParsedIds {
  readonly keys: BigUint64Array
  /** Where each id stands in the body: from and to. */
  readonly spans: Uint32Array
  readonly bytes: Buffer

  constructor(parts: { keys: BigUint64Array; spans: Uint32Array; bytes: Buffer }) {
    this.keys = parts.keys
    this.spans = parts.spans
    this.bytes = parts.bytes
  }

  get length(): number {
    return this.keys.length
  }

  /** As it was sent. */
  at(position: number): unknown {
    return JSON.parse(this.bytes.toString('utf8', this.spans[2 * position], this.spans[2 * position + 1]))
  }
}
