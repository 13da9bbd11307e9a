/** The load generator, a process of its own: `node bench/service/load.ts --help`. */
import { parseArgs } from 'node:util'
import { closedLoop, type OpenLoop, openLoop, type Send } from './generator.ts'
import { createRawClient, type RawClient } from './raw_client.ts'
import { summarise } from './summary.ts'
import { bodyPieces, drawHead, drawTail, FORMATS, type Format, readCatalogue } from './workload.ts'

const REQUESTS_PER_SEED = 1_000_000
/** Of an open loop; each waits for its answer before the next request. */
const IN_FLIGHT_MAX = 256

const HELP = `Puts load on POST /v1/prerank and prints what came back.

  --url URL            of the service                              http://localhost:8080
  --bundle DIR         that the service serves: ids, queries, users models/demo
  --format json|cbor                                               json
  --candidates N       per request                                 1000
  --top-k K            kept per request                            1000
  --seconds S          of load                                     10
  --rate R             open loop: requests per second, on schedule whatever the answers do
  --arrivals even|poisson  when they are due: evenly, or independently of each other      even
  --connections C      closed loop (without --rate): connections that each wait for their answer   1
  --requests N         closed loop: at least this many             1
  --bodies N           lists of candidates to send in turn; query and user differ in every request   16
  --seed N             of queries and users: another one, other requests   0
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
    arrivals: { type: 'string', default: 'even' },
    connections: { type: 'string', default: '1' },
    requests: { type: 'string', default: '1' },
    bodies: { type: 'string', default: '16' },
    seed: { type: 'string', default: '0' },
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
  const connections = values.rate ? IN_FLIGHT_MAX : positive('connections')
  const content_type = FORMATS[format]
  const client = createRawClient(new URL('/v1/prerank', values.url), { content_type, connections_max: connections })
  const send = await sender(format, client)
  for (let index = 0; index < 3; index++) await send(index, performance.now())
  if (values.arrivals !== 'even' && values.arrivals !== 'poisson') {
    throw new Error(`--arrivals ${values.arrivals}: expected even or poisson`)
  }
  const open = { duration_ms, in_flight_max: IN_FLIGHT_MAX, arrivals: values.arrivals } satisfies Partial<OpenLoop>
  const sample = values.rate
    ? await openLoop(send, { ...open, rate_per_s: positive('rate') })
    : await closedLoop(send, { connections, duration_ms, requests_min: positive('requests') })
  client.close()
  const summary = summarise(sample)
  if (values.json) console.log(JSON.stringify(summary))
  else {
    const { requests, failures, shed, requests_per_s, p50_ms, p90_ms, p99_ms, max_ms } = summary
    const times = Object.entries({ p50_ms, p90_ms, p99_ms, max_ms }).map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
    console.log(
      `${requests} requests, ${failures} failed, ${shed} shed, ${requests_per_s.toFixed(1)} per s, ${times.join(', ')}`,
    )
  }
  for (const failure of new Set(sample.failures)) console.error(failure)
  process.exitCode = summary.failures > summary.shed ? 1 : 0
}

async function sender(format: Format, client: RawClient): Promise<Send> {
  const catalogue = await readCatalogue(values.bundle)
  const candidates = positive('candidates')
  const tails = Array.from(
    { length: positive('bodies') },
    (_, seed) => drawTail(catalogue, { candidates, seed })[format],
  )
  const top_k = positive('top-k')
  const first = Number(values.seed) * REQUESTS_PER_SEED
  return (index, from_ms) => {
    const head = drawHead(catalogue, { top_k, seed: first + index })
    return client.send(bodyPieces({ head, tail: tails[index % tails.length], format }), from_ms)
  }
}

function positive(name: 'candidates' | 'top-k' | 'seconds' | 'rate' | 'connections' | 'requests' | 'bodies'): number {
  const value = Number(values[name])
  if (!(value > 0)) throw new Error(`--${name} ${values[name]}: expected a positive number`)
  return value
}
