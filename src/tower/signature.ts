/** The model must take and give exactly what the manifest says; every difference is named. */
import type { InferenceSession } from 'onnxruntime-node'
import type { TensorSpec } from './layout.ts'

type Signature = { model: string; inputs: TensorSpec[]; output: TensorSpec }
type Metadata = InferenceSession.ValueMetadata

export function assertSignature(
  session: Pick<InferenceSession, 'inputMetadata' | 'outputMetadata'>,
  { model, inputs, output }: Signature,
): void {
  const problems = [
    ...session.inputMetadata
      .filter((found) => !inputs.some((input) => input.name === found.name))
      .map((found) => `input "${found.name}" ${describe(found)} is not in the manifest`),
    ...inputs.flatMap((input) => difference('input', input, session.inputMetadata)),
    ...difference('output', output, session.outputMetadata),
  ]
  if (problems.length > 0) throw new Error(`${model} does not fit the manifest: ${problems.join('; ')}`)
}

function difference(role: string, expected: TensorSpec, all: readonly Metadata[]): string[] {
  const found = all.find((value) => value.name === expected.name)
  const wanted = `${expected.dtype}[batch,${expected.shape.join(',')}]`
  if (!found) {
    return [
      `${role} "${expected.name}" ${wanted} is not in the model, which has ${all.map((value) => value.name).join(', ')}`,
    ]
  }
  return fits(found, expected) ? [] : [`${role} "${found.name}": found ${describe(found)}, expected ${wanted}`]
}

/** A dimension that the model names instead of fixing takes any size; the batch dimension has to be such a one. */
function fits(found: Metadata, expected: TensorSpec): boolean {
  if (!found.isTensor || found.type !== expected.dtype || found.shape.length !== expected.shape.length + 1) return false
  const [batch, ...sizes] = found.shape
  return (
    typeof batch === 'string' &&
    sizes.every((size, index) => typeof size === 'string' || size === expected.shape[index])
  )
}

function describe(value: Metadata): string {
  return value.isTensor
    ? `${value.type}[${value.shape.map((size) => (size === '' ? '?' : size)).join(',')}]`
    : 'no tensor'
}
