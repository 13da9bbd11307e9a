/** The oracle on a thread of its own, so that its work is not in the times that are measured. Calls are answered in order. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Check, type Oracle, openOracle } from './oracle.ts'

type Call = { id: number } & (
  | { kind: 'check'; check: Check }
  | { kind: 'engaged'; events: unknown[] }
  | { kind: 'lost' }
)
type Reply = { id: number; value: unknown; error?: string }

export type OracleThread = {
  check(check: Check): ReturnType<Oracle['check']>
  engaged(events: unknown[]): ReturnType<Oracle['engaged']>
  lost(): Promise<void>
  close(): Promise<void>
}

export async function startOracle(directories: string[], features: string): Promise<OracleThread> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { directories, features } })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let calls = 0
  const fail = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error)
  }
  worker.on('error', fail)
  worker.on('message', ({ id, value, error }: Reply) => {
    const waiter = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) waiter?.resolve(value)
    else waiter?.reject(new Error(error))
  })
  const ready = Promise.withResolvers<unknown>()
  waiting.set(0, ready)
  await ready.promise
  const call = <T>(message: object): Promise<T> => {
    const waiter = Promise.withResolvers<unknown>()
    waiting.set(++calls, waiter)
    worker.postMessage({ id: calls, ...message })
    return waiter.promise as Promise<T>
  }
  return {
    check: (check) => call({ kind: 'check', check }),
    engaged: (events) => call({ kind: 'engaged', events }),
    lost: () => call({ kind: 'lost' }),
    async close() {
      await worker.terminate()
    },
  }
}

async function serve(port: NonNullable<typeof parentPort>): Promise<void> {
  const oracle = await openOracle(workerData.directories, workerData.features)
  let last = Promise.resolve()
  port.on('message', (call: Call) => {
    last = last.then(async () => {
      try {
        port.postMessage({ id: call.id, value: await answer(oracle, call) })
      } catch (error) {
        port.postMessage({ id: call.id, value: null, error: (error as Error).stack })
      }
    })
  })
  port.postMessage({ id: 0, value: null })
}

function answer(oracle: Oracle, call: Call): unknown {
  if (call.kind === 'check') return oracle.check(call.check)
  if (call.kind === 'engaged') return oracle.engaged(call.events)
  return oracle.lost()
}

if (!isMainThread && parentPort) await serve(parentPort)
