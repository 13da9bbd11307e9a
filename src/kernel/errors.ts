/** Input the kernel refuses; `blob` is the index of the count blob at fault, so that a caller can score without it. */
export class KernelInputError extends Error {
  override readonly name = 'KernelInputError'
  readonly blob: number | null

  constructor(message: string, blob: number | null = null) {
    super(blob === null ? message : `count blob ${blob}: ${message}`)
    this.blob = blob
  }
}
