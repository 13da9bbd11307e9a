/** The bytes of live counts, as a store answers them. */
export function liveRecords(records: readonly { field: Uint8Array; count: number }[]): Uint8Array {
  const counts = records.map(({ count }) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(count)
    return bytes
  })
  return Uint8Array.from(Buffer.concat(records.flatMap(({ field }, index) => [field, counts[index]])))
}
