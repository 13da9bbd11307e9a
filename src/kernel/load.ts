/** Which kernel runs, and why: the native one where it was compiled, else the reference. */
import { availableParallelism } from 'node:os'
import { loadAddon } from '../items/addon.ts'
import type { Kernel } from './kernel.ts'
import { nativeKernel } from './native.ts'
import { referenceKernel } from './reference.ts'

/** One call is split over this many threads at most: the size of the libuv pool by default. */
const THREADS_MAX = 4

export type LoadedKernel = { kernel: Kernel; reason: string }

/** `choice` overrules; asking for a native kernel that is not there throws. */
export function loadKernel(choice?: 'native' | 'reference', options: { threads?: number } = {}): LoadedKernel {
  if (choice === 'reference') return { kernel: referenceKernel(), reason: 'chosen by configuration' }
  const { addon, problem } = loadAddon()
  if (addon) {
    const threads = options.threads ?? Math.min(THREADS_MAX, availableParallelism())
    return { kernel: nativeKernel(addon, { threads }), reason: choice ? 'chosen by configuration' : 'it is compiled' }
  }
  if (choice === 'native') throw new Error(`the native kernel was asked for, but ${problem}`)
  return { kernel: referenceKernel(), reason: problem }
}
