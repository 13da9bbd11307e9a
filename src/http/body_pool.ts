/**
 * Memory for bodies and what is read out of them, used again by later requests. A body of 100,000 ids is a megabyte outside
 * the JavaScript heap; allocating one per request makes V8 collect the whole heap every few requests, for tens of
 * milliseconds. A body of 1,000 ids costs 6 µs to allocate, and as much again on a helper thread to free.
 */
export type BodyPool = {
  /** `bytes` long, content undefined, starting on a multiple of 8. */
  take(bytes: number): Buffer
  /** Only when nothing reads the body any more; a body that is not given back is left to the garbage collector. */
  give(body: Buffer): void
}

/** Smaller ones are cheaper to allocate. */
const POOLED_BYTES_MIN = 1024

export function createBodyPool({ bytes_max }: { bytes_max: number }): BodyPool {
  const free = new Map<number, ArrayBuffer[]>()
  const pooled = new WeakSet<ArrayBufferLike>()
  let kept_bytes = 0
  return {
    take(bytes) {
      if (bytes < POOLED_BYTES_MIN) return Buffer.allocUnsafeSlow(bytes)
      const size = 2 ** Math.ceil(Math.log2(bytes))
      const kept = free.get(size)?.pop()
      if (kept) kept_bytes -= size
      const memory = kept ?? new ArrayBuffer(size)
      pooled.add(memory)
      return Buffer.from(memory, 0, bytes)
    },
    give({ buffer }) {
      const size = buffer.byteLength
      // Out of the set while it is kept, so that giving a body back twice does nothing.
      if (!pooled.delete(buffer) || kept_bytes + size > bytes_max) return
      kept_bytes += size
      const kept = free.get(size)
      if (kept) kept.push(buffer as ArrayBuffer)
      else free.set(size, [buffer as ArrayBuffer])
    },
  }
}
