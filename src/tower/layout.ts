/**
 * The memory that one worker shares with the main thread: every input for a full batch, then the output. Both sides
 * compute the same layout. B batch rows.
 */

/** One tensor; `shape` leaves the batch dimension out. */
export type TensorSpec = { name: string; dtype: 'float32' | 'int32'; shape: number[] }

export type TensorView = Float32Array | Int32Array

const ALIGNMENT_BYTES = 64

export function elementsOf(tensor: TensorSpec): number {
  return tensor.shape.reduce((product, size) => product * size, 1)
}

export function sharedBytes(tensors: readonly TensorSpec[], batch_max: number): number {
  return offsets(tensors, batch_max).at(-1) ?? 0
}

/** One view of B = batch_max rows per tensor. */
export function sharedViews(
  memory: SharedArrayBuffer,
  tensors: readonly TensorSpec[],
  batch_max: number,
): TensorView[] {
  const starts = offsets(tensors, batch_max)
  return tensors.map((tensor, index) => {
    const elements = elementsOf(tensor) * batch_max
    return tensor.dtype === 'int32'
      ? new Int32Array(memory, starts[index], elements)
      : new Float32Array(memory, starts[index], elements)
  })
}

/** Start of every tensor, and the end of the last. */
function offsets(tensors: readonly TensorSpec[], batch_max: number): number[] {
  const starts = [0]
  for (const tensor of tensors) {
    const end = starts[starts.length - 1] + 4 * elementsOf(tensor) * batch_max
    starts.push(Math.ceil(end / ALIGNMENT_BYTES) * ALIGNMENT_BYTES)
  }
  return starts
}
