/**
 * What a value costs that is kept in this process. Small ones are mostly overhead: of a blob with one item, 88 bytes, the map's
 * entry and what a reader remembers of it (views of its columns, its best items) take 2,250: measured after a full collection, with one column's best 20 items.
 */

/** The map's entry, with nothing but that the key is absent. */
const ENTRY_BYTES = 200
/** The value's own objects, and what features/stored.ts and tower/query_inputs.ts remember for as long as it is kept. */
const VALUE_BYTES = 2400

export function keptBytes(key: string, value: Uint8Array | null): number {
  return ENTRY_BYTES + 2 * key.length + (value === null ? 0 : VALUE_BYTES + value.byteLength)
}
