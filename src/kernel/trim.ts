/** Gives freed memory back to the system; without the addon, or with another C library than glibc, nothing happens. */
import { loadAddon } from '../items/addon.ts'

export async function trimMemory(): Promise<void> {
  await loadAddon().addon?.trimMemory()
}
