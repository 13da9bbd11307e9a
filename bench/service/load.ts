/** The load generator, a process of its own: `node bench/service/load.ts --help`. */
import { Agent } from 'node:http'
import { parseArgs } from 'node:util'
import { closedLoop, openLoop, type Send } from './generator.ts'
import { post } from './http_client.ts'
import { summarise } from './summary.ts'
import { drawBody, FORMATS, type Format, readCatalogue } from './workload.ts'

const HELP = `Puts load on POST /v1/prerank and prints what came back.

  --url URL            of the service                              http://localhost:8080
  --bundle DIR         that the service serves: ids, queries, users models/demo
  --format json|cbor                                               json
  --candidates N       per request                                 1000
  --top-k K            kept per request                            1000
  --seconds S          of load                                     10
  --rate R             open loop: requests per second, on schedule whatever the answers do
  --connections C      closed loop (without --rate): connections that each wait for their answer   1
  --requests N         closed loop: at least this many             1
  --bodies N           distinct requests to send in turn           16
  --json               one JSON object instead of a line
`

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://localhost:8080' },
    bundle: { type: 'string', default: 'models/demo' },
    format: { type: 'string', default: 'json' },
    candidates: { type: 'string', default: '1000' },
    'top-k': { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    rate: { type: 'string' },
    connections: { type: 'string', default: '1' },
    requests: { type: 'string', default: '1' },
    bodies: { type: 'string', default: '16' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) process.stdout.write(HELP)
else await run()

async function run(): Promise<void> {
  if (!(values.format in FORMATS)) throw new Error(`--format ${values.format}: expected json or cbor`)
  const format = values.format as Format
  const duration_ms = 1000 * positive('seconds')
  const send = await sender(format)
  for (let index = 0; index < 3; index++) await send(index, performance.now())
  const sample = values.rate
    ? await openLoop(send, { rate_per_s: positive('rate'), duration_ms, in_flight_max: 256 })
    : await closedLoop(send, { connections: positive('connections'), duration_ms, requests_min: positive('requests') })
  const summary = summarise(sample)
  if (values.json) console.log(JSON.stringify(summary))
  else {
    const { requests, failures, requests_per_s, p50_ms, p90_ms, p99_ms, max_ms } = summary
    const times = Object.entries({ p50_ms, p90_ms, p99_ms, max_ms }).map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
    console.log(`${requests} requests, ${failures} failed, ${requests_per_s.toFixed(1)} per s, ${times.join(', ')}`)
  }
  for (const failure of new Set(sample.failures)) console.error(failure)
  process.exitCode = summary.failures > 0 ? 1 : 0
}

async function sender(format: Format): Promise<Send> {
  const catalogue = await readCatalogue(values.bundle)
  const draw = { candidates: positive('candidates'), top_k: positive('top-k') }
  const bodies = Array.from({ length: positive('bodies') }, (_, seed) => drawBody(catalogue, { ...draw, seed })[format])
  const url = new URL('/v1/prerank', values.url)
  const agent = new Agent({ keepAlive: true })
  return (index, from_ms) =>
    post({ url, agent, body: bodies[index % bodies.length], content_type: FORMATS[format], from_ms })
}

function positive(name: 'candidates' | 'top-k' | 'seconds' | 'rate' | 'connections' | 'requests' | 'bodies'): number {
  const value = Number(values[name])
  if (!(value > 0)) throw new Error(`--${name} ${values[name]}: expected a positive number`)
  return value
}
