/** What a report says about where it was made. */
import { availableParallelism, cpus, totalmem } from 'node:os'

export type Machine = { cpu: string; cores: number; memory_gib: number; node: string }

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
  }
}
