/** The sections of a table as typed arrays over its bytes. */
import type { SectionName } from './format.ts'
import type { Header } from './header.ts'
import type { IndexView } from './id_index.ts'

export type TableViews = {
  floats: Float32Array
  halves: Uint16Array
  int8: Int8Array
  content: Uint16Array
  keys: BigUint64Array
  offsets: BigUint64Array
  ids: Uint8Array
  index: IndexView
}

export function viewTable(header: Header, buffer: ArrayBuffer): TableViews {
  const place = (name: SectionName, value_bytes: number) => {
    const { offset, bytes } = header.sections[name]
    return [buffer, offset, bytes / value_bytes] as const
  }
  return {
    floats: new Float32Array(...place('rows', 4)),
    halves: new Uint16Array(...place('rows', 2)),
    int8: new Int8Array(...place('rows', 1)),
    content: new Uint16Array(...place('content', 2)),
    keys: new BigUint64Array(...place('keys', 8)),
    offsets: new BigUint64Array(...place('offsets', 8)),
    ids: new Uint8Array(...place('ids', 1)),
    index: {
      words: new Uint32Array(...place('index', 4)),
      buckets: header.buckets,
      probes: header.probes,
      rows: header.rows,
    },
  }
}
