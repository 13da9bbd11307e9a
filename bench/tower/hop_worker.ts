/** The worker of hops.ts. */
import { setImmediate as turn } from 'node:timers/promises'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'

export const WAYS = ['posted', 'waited', 'atomics'] as const
export type Signalling = (typeof WAYS)[number]
export type HopData = { way: Signalling; signals: Int32Array; work_us: number }

/** Indexes of the signals: the number of the last request, and of the last answer. */
export const REQUEST = 0
export const ANSWER = 1

if (!isMainThread && parentPort) await serve(parentPort, workerData)

async function serve(port: NonNullable<typeof parentPort>, { way, signals, work_us }: HopData): Promise<void> {
  port.postMessage('ready')
  if (way === 'posted') {
    port.on('message', async (trip: number) => {
      await compute(work_us)
      port.postMessage(trip)
    })
    return
  }
  for (let trip = 1; ; trip++) {
    while (Atomics.load(signals, REQUEST) < trip) Atomics.wait(signals, REQUEST, trip - 1)
    await compute(work_us)
    if (way === 'waited') port.postMessage(trip)
    Atomics.store(signals, ANSWER, trip)
    Atomics.notify(signals, ANSWER)
  }
}

async function compute(work_us: number): Promise<void> {
  await turn()
  const end_ms = performance.now() + work_us / 1000
  while (performance.now() < end_ms);
}
