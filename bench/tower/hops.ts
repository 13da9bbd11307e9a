/**
 * A round trip from the main thread to a worker that computes for a while and back, by way of signalling: posted messages both
 * ways, Atomics.wait in the worker with a posted answer, and Atomics both ways (waitAsync on the main thread). Each worker
 * takes a turn of its event loop before it computes, as `session.run` does.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Spread, spreadOf } from '../lib/statistics.ts'
import { ANSWER, type HopData, REQUEST, type Signalling, WAYS } from './hop_worker.ts'

const WORK_US = 80
const WARM = 50

/** Beyond the computation: latency, and processor time of both threads. */
export type Hop = { way: Signalling; latency_us: Spread; cpu_us: Spread }

type Side = { way: Signalling; worker: Worker; roundTrip: () => Promise<unknown> }

export async function measureHops({ rounds, trips }: { rounds: number; trips: number }): Promise<Hop[]> {
  const sides = await Promise.all(WAYS.map(openSide))
  // Atomics.waitAsync alone does not keep the process alive.
  const alive = setInterval(() => {}, 1000)
  const samples = sides.map(() => ({ latency_us: [] as number[], cpu_us: [] as number[] }))
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [index, { roundTrip }] of sides.entries()) {
        for (let trip = 0; trip < WARM; trip++) await roundTrip()
        const cpu_before = process.cpuUsage()
        const start_ms = performance.now()
        for (let trip = 0; trip < trips; trip++) await roundTrip()
        const elapsed_ms = performance.now() - start_ms
        const cpu = process.cpuUsage(cpu_before)
        samples[index].latency_us.push((1000 * elapsed_ms) / trips - WORK_US)
        samples[index].cpu_us.push((cpu.user + cpu.system) / trips - WORK_US)
      }
    }
  } finally {
    clearInterval(alive)
    await Promise.all(sides.map(({ worker }) => worker.terminate()))
  }
  return sides.map(({ way }, index) => ({
    way,
    latency_us: spreadOf(samples[index].latency_us),
    cpu_us: spreadOf(samples[index].cpu_us),
  }))
}

async function openSide(way: Signalling): Promise<Side> {
  const signals = new Int32Array(new SharedArrayBuffer(8))
  const workerData: HopData = { way, signals, work_us: WORK_US }
  const worker = new Worker(new URL('hop_worker.ts', import.meta.url), { workerData })
  await once(worker, 'message')
  let trip = 0
  const ask = () => {
    trip++
    if (way === 'posted') return worker.postMessage(trip)
    Atomics.store(signals, REQUEST, trip)
    Atomics.notify(signals, REQUEST)
  }
  const roundTrip = async () => {
    const answer = way === 'atomics' ? Atomics.waitAsync(signals, ANSWER, trip).value : nextMessage(worker)
    ask()
    await answer
  }
  return { way, worker, roundTrip }
}

/** `once` of node:events costs more than the hop. */
function nextMessage(worker: Worker): Promise<unknown> {
  return new Promise((resolve) => worker.once('message', resolve))
}
