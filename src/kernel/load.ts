/** Which kernel runs, and why: the native one where it was compiled, else the reference. */
import { availableParallelism } from 'node:os'
import { loadAddon } from '../items/addon.ts'
import type { Kernel } from './kernel.ts'
import { nativeKernel } from './native.ts'
import { referenceKernel } from './reference.ts'

/** One call is split over this many threads at most: the size of the libuv pool by default. */
const THREADS_MAX = 4

export type LoadedKernel = { kernel: Kernel; reason: string }

export type LoadOptions = {
  threads?: number
  /** Added to the niceness of the threads that it runs on; 0 unless given. */
  nice?: number
}

/** `choice` overrules; asking for a native kernel that is not there throws. */
export function loadKernel(choice?: 'native' | 'reference', options: LoadOptions = {}): LoadedKernel {
  if (choice === 'reference') return { kernel: referenceKernel(), reason: 'chosen by configuration' }
  const { addon, problem } = loadAddon()
  if (addon) {
    addon.lowerPriority(options.nice ?? 0)
    const threads = options.threads ?? Math.min(THREADS_MAX, availableParallelism())
    return { kernel: nativeKernel(addon, { threads }), reason: choice ? 'chosen by configuration' : 'it is compiled' }
  }
  if (choice === 'native') throw new Error(`the native kernel was asked for, but ${problem}`)
  return { kernel: referenceKernel(), reason: problem }
}
