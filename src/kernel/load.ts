/** Which kernel runs, and why: the native one where it was compiled, else the reference. */
import type { Kernel } from './kernel.ts'
import { referenceKernel } from './reference.ts'

/** `choice` overrules; asking for a kernel that is not there throws. */
export function loadKernel(choice?: 'native' | 'reference'): { kernel: Kernel; reason: string } {
  if (choice === 'native')
    throw new Error('the native kernel is not built; run `npm run postinstall` with a C compiler')
  return { kernel: referenceKernel(), reason: choice ? 'chosen by configuration' : 'the native kernel is not built' }
}
