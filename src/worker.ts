/** Composition root of a tower worker thread. */
import { parentPort } from 'node:worker_threads'
import { serveTowers } from './tower/session.ts'

if (!parentPort) throw new Error('worker.ts runs as a worker thread of the tower pool')
serveTowers(parentPort)
