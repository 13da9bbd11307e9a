/** Item keys in row order, growing by doubling. */
export type KeyList = { add(keys: BigUint64Array): void; all(): BigUint64Array }

export function createKeyList(): KeyList {
  let held = new BigUint64Array(1024)
  let length = 0
  return {
    add(keys) {
      if (length + keys.length > held.length) {
        const larger = new BigUint64Array(Math.max(held.length * 2, length + keys.length))
        larger.set(held.subarray(0, length))
        held = larger
      }
      held.set(keys, length)
      length += keys.length
    },
    all: () => held.subarray(0, length),
  }
}
