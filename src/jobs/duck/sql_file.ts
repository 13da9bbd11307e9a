/** SQL files of src/jobs/sql. `${name}` is filled in as Spark SQL does it; only numbers and plain names are let in. */
import { readFileSync } from 'node:fs'

const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/

export function sqlFile(name: string, values: Record<string, string | number> = {}): string {
  const text = readFileSync(new URL(`../sql/${name}.sql`, import.meta.url), 'utf8')
  return text.replace(/\$\{(\w+)\}/g, (_, key: string) => {
    const value = values[key]
    if (typeof value === 'number' && Number.isFinite(value)) return String(value)
    if (typeof value === 'string' && PLAIN.test(value)) return value
    throw new Error(`sql/${name}.sql: \${${key}}: found ${JSON.stringify(value)}, expected a number or a plain name`)
  })
}

/** A string as a SQL literal. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A column name as a SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
