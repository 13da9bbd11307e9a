/** Numbers as people read them in a terminal. */

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${BYTE_UNITS[unit]}`
}

export function formatCount(value: number | bigint): string {
  return value.toLocaleString('en-US')
}

export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`
}

export function formatShare(share: number): string {
  return `${(share * 100).toFixed(share < 0.001 && share > 0 ? 4 : 2)} %`
}

const NUMBER = /^[\d.,–−-]+( ?(%|[KMGT]?i?B))?$/

/** Columns padded to their widest cell; those that hold only numbers below their first cell, to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const columns = rows[0].map((_, column) => {
    const cells = rows.map((row) => row[column])
    const numbers = cells.length > 1 && cells.slice(1).every((cell) => NUMBER.test(cell))
    return { width: Math.max(...cells.map((cell) => cell.length)), numbers }
  })
  const pad = (cell: string, { width, numbers }: (typeof columns)[number]) =>
    numbers ? cell.padStart(width) : cell.padEnd(width)
  return rows
    .map((row) =>
      row
        .map((cell, at) => pad(cell, columns[at]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
