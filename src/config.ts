/** Reads the configuration (config_schema.ts) from the environment. No other file reads the environment. */
import { type TSchema, Type } from 'typebox'
import { type Config, ConfigSchema, choicesOf, defaultOf, expectation, rangeOf, variableOf } from './config_schema.ts'

export type { Config } from './config_schema.ts'

/** All that is wrong with the environment, at once. */
export class ConfigError extends Error {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(
      `The configuration has ${problems.length} problem(s):\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    )
    this.name = 'ConfigError'
    this.problems = problems
  }
}

type Environment = Record<string, string | undefined>

/** An empty variable counts as not set, as in Compose files and Kubernetes manifests. */
export function readConfig(environment: Environment = process.env): Config {
  const problems: string[] = []
  const entries = Object.entries(ConfigSchema.properties).flatMap(([key, schema]) => {
    const found = environment[variableOf(key)] || undefined
    const value = found === undefined ? defaultOf(schema) : parse(found, schema)
    if (value === undefined && found !== undefined) {
      const shown = 'secret' in schema ? 'a value that cannot be used' : JSON.stringify(found)
      problems.push(`${variableOf(key)}: found ${shown}, expected ${expectation(schema)}`)
    }
    return value === undefined ? [] : [[key, value]]
  })
  const config = Object.fromEntries(entries) as Config
  if (problems.length === 0) problems.push(...contradictions(config))
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

function contradictions(config: Config): string[] {
  const problems: string[] = []
  if (config.redis_cluster === 'true' && !config.redis_url)
    problems.push('REDIS_CLUSTER: found "true" without REDIS_URL, expected the address of a node in REDIS_URL')
  if (config.reuse_port === 'true' && (config.port === 0 || config.admin_port === undefined))
    problems.push(
      'REUSE_PORT: found "true" without a PORT or an ADMIN_PORT, expected a port to share, and one of its own for metrics and reloads',
    )
  if ((config.tls_cert_file === undefined) !== (config.tls_key_file === undefined))
    problems.push('TLS_CERT_FILE, TLS_KEY_FILE: found one of them, expected both or none')
  if (config.tls_client_ca_file && !config.tls_cert_file)
    problems.push(
      'TLS_CLIENT_CA_FILE: found without TLS_CERT_FILE, expected TLS, which client certificates are part of',
    )
  if (config.redis_url && !/^rediss?:\/\/\S+$/.test(config.redis_url))
    problems.push(
      'REDIS_URL: found something else, expected redis://[user:password@]host:port[/database] or rediss://…',
    )
  return problems
}

function parse(found: string, schema: TSchema): string | number | undefined {
  if (Type.IsUnion(schema)) return choicesOf(schema).includes(found) ? found : undefined
  if (!Type.IsInteger(schema) && !Type.IsNumber(schema)) return found
  const value = /^-?\d+(\.\d+)?$/.test(found) ? Number(found) : Number.NaN
  if (Type.IsInteger(schema) && !Number.isSafeInteger(value)) return undefined
  const { minimum, maximum } = rangeOf(schema)
  return value >= minimum && value <= maximum ? value : undefined
}
