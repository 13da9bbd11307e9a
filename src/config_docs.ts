/**
 * The documentation of the configuration, from its schema: the table of the README and `.env.example`.
 * `node src/config_docs.ts readme` and `node src/config_docs.ts env` print them; a test holds both files in step.
 */
import { type TSchema, Type } from 'typebox'
import { ConfigSchema, choicesOf, defaultOf, expectation, rangeOf, variableOf } from './config_schema.ts'

const fields = (): [string, TSchema][] => Object.entries(ConfigSchema.properties)

/** Markdown table: variable, default, range or choices with the unit, description. */
export function configTable(): string {
  const rows = fields().map(([key, schema]) => {
    const byDefault = defaultOf(schema)
    return `| \`${variableOf(key)}\` | ${byDefault === undefined ? '' : `\`${byDefault}\``} | ${range(schema)} | ${descriptionOf(schema)} |`
  })
  return ['| variable | default | values | what |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

/** Every variable with its default, commented out. */
export function envExample(): string {
  const blocks = fields().map(([key, schema]) => {
    const comment = [descriptionOf(schema), `Values: ${expectation(schema)}${unitOf(schema)}.`]
    return `${comment.map((line) => `# ${line}`).join('\n')}\n# ${variableOf(key)}=${defaultOf(schema) ?? ''}\n`
  })
  return `# Every setting of the service with its default. The service reads its environment only, not this file:\n# \`npx node --env-file=.env src/server.ts\`.\n\n${blocks.join('\n')}`
}

function range(schema: TSchema): string {
  if (Type.IsUnion(schema)) return choicesOf(schema).join(', ')
  if (Type.IsInteger(schema) || Type.IsNumber(schema)) {
    const { minimum, maximum } = rangeOf(schema)
    return `${minimum} – ${maximum}${unitOf(schema)}`
  }
  return 'text'
}

const descriptionOf = (schema: TSchema) => String((schema as { description?: string }).description)

function unitOf(schema: TSchema): string {
  const unit = (schema as { unit?: string }).unit
  return unit ? ` ${unit}` : ''
}

if (import.meta.main) {
  const print = { readme: configTable, env: envExample }[process.argv[2] ?? '']
  if (!print) throw new Error('expected `readme` or `env`')
  process.stdout.write(`${print().trimEnd()}\n`)
}
