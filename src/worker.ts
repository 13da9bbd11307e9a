/** Composition root of a tower worker thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { serveTower } from './tower/session.ts'

if (!parentPort) throw new Error('worker.ts runs as a worker thread of the tower pool')
await serveTower(workerData, parentPort)
