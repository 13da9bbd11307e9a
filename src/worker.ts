/** Composition root of a tower worker thread. */
import { getPriority, platform, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { serveTowers } from './tower/session.ts'
import type { WorkerData } from './tower/tower_worker.ts'

if (!parentPort) throw new Error('worker.ts runs as a worker thread of the tower pool')
const { nice } = workerData as WorkerData
// Elsewhere it would be the niceness of the whole process. ONNX Runtime's threads inherit it.
if (nice > 0 && platform() === 'linux') setPriority(Math.min(getPriority() + nice, 19))
serveTowers(parentPort)
