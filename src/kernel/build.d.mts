/** Types of build.mjs, which stays plain JavaScript for old versions of Node. */
export function sources(): string[]
export function compile(options: { output: string; flags: string[]; files?: string[] }): {
  ok: boolean
  message: string
}
