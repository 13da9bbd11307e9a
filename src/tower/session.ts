/**
 * The worker's side of the tower pool: one ONNX Runtime session at a time over shared memory. `onnxruntime-node` computes
 * on the thread that calls it (microsoft/onnxruntime #19611), which is why this runs in a worker; it reads and writes shared
 * memory in place.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { MessagePort } from 'node:worker_threads'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { elementsOf, sharedViews, type TensorSpec, type TensorView } from './layout.ts'
import { type ModelFile, readModel } from './model_file.ts'
import { assertSignature } from './signature.ts'

export type SessionOptions = ModelFile & {
  inputs: TensorSpec[]
  output: TensorSpec
  batch_max: number
  intra_op_threads: number
  /** Of the time; the rest of it the worker sleeps between the runs that warm it, beside others that serve. */
  warm_up_share: number
  memory: SharedArrayBuffer
}

/**
 * Processors without VNNI add two int8 products in 16 bits, which saturate; with this, ONNX Runtime takes unsigned weights
 * there (microsoft/onnxruntime #12088).
 */
export const EXACT_INT8 = { session: { x64quantprecision: '1' } }

/** What a worker is asked for, one at a time: to open a tower, to run that many rows, to close the tower; to end, at any time. */
export type TowerOrder = { open: SessionOptions } | number | 'close' | 'end'

/** To all but `end`: null when it is done, or what went wrong. */
export type TowerAnswer = string | null

/** Serves one tower after the other. */
export function serveTowers(port: MessagePort): void {
  let session: TowerSession | undefined
  const obey = async (order: Exclude<TowerOrder, 'end'>) => {
    if (typeof order === 'number') return session!.run(order)
    await session?.release()
    session = undefined
    if (order === 'close') return
    session = await loadSession(order.open)
    await warmUp(session, order.open)
  }
  const answer = (found: TowerAnswer) => port.postMessage(found)
  port.on('message', (order: TowerOrder) => {
    // The thread ends by itself when it has done what it does.
    if (order === 'end') return port.close()
    obey(order).then(
      () => answer(null),
      (error: Error) => answer(error.message),
    )
  })
}

async function loadSession(options: SessionOptions): Promise<TowerSession> {
  const model = readModel(options)
  const session = await openSession(model, options)
  // The session has weights of its own, and a thread that allocates so little would not collect these before long.
  model.buffer.transfer(0)
  return session
}

async function warmUp({ run }: TowerSession, { batch_max, warm_up_share }: SessionOptions) {
  for (let rows = 1; rows <= batch_max; rows++) {
    const start_ms = performance.now()
    await run(rows)
    const worked_ms = performance.now() - start_ms
    if (warm_up_share < 1) await sleep((worked_ms * (1 - warm_up_share)) / warm_up_share)
  }
}

export type TowerSession = {
  /** Runs the first rows of the shared memory, on the calling thread. */
  run(rows: number): Promise<void>
  /** Gives the weights back. */
  release(): Promise<void>
}

export async function openSession(
  model: Uint8Array,
  options: Omit<SessionOptions, 'model_file' | 'model_sha256'>,
): Promise<TowerSession> {
  const session = await InferenceSession.create(model, {
    intraOpNumThreads: options.intra_op_threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // What goes wrong comes back as an error; the library's own log would say it twice.
    logSeverityLevel: 4,
    extra: {
      session: {
        ...EXACT_INT8.session,
        // Threads that spin between runs take the cores from the event loop and the kernel.
        intra_op: { allow_spinning: '0' },
      },
    },
  }).catch((error: Error) => {
    throw new Error(`${options.model}: ${error.message}`, { cause: error })
  })
  try {
    assertSignature(session, options)
  } catch (error) {
    await session.release()
    throw error
  }
  const tensors = [...options.inputs, options.output]
  const views = sharedViews(options.memory, tensors, options.batch_max)
  const batches = Array.from({ length: options.batch_max }, (_, index) => batchTensors(tensors, views, index + 1))
  return {
    async run(rows) {
      const { feeds, fetches } = batches[rows - 1]
      await session.run(feeds, fetches)
    },
    release: () => session.release(),
  }
}

type Tensors = Record<string, Tensor>

/** Tensors over the first rows of every view; the last one is the output. */
function batchTensors(specs: TensorSpec[], views: TensorView[], rows: number): { feeds: Tensors; fetches: Tensors } {
  const tensors = specs.map((spec, index): [string, Tensor] => {
    const data = views[index].subarray(0, rows * elementsOf(spec))
    const dims = [rows, ...spec.shape]
    return [spec.name, data instanceof Int32Array ? new Tensor('int32', data, dims) : new Tensor('float32', data, dims)]
  })
  return { feeds: Object.fromEntries(tensors.slice(0, -1)), fetches: Object.fromEntries(tensors.slice(-1)) }
}
