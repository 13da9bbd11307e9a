/** What the kernel needs to know of a manifest, in its own terms. */
import type { Formula, Layer } from '../kernel/kernel.ts'
import type { Fusion, Manifest } from './manifest.ts'

export function compileFormula(manifest: Manifest): Formula {
  return {
    cross: manifest.cross_features.map(({ prior, transform }) => ({ prior, transform })),
    scalars: manifest.items.scalars.map(({ transform }) => transform),
    caller: manifest.caller_columns.map(({ transform }) => transform),
    layers: layersOf(manifest.fusion),
  }
}

function layersOf(fusion: Fusion): Layer[] {
  const layers = fusion.kind === 'linear' ? [{ weights: fusion.weights, bias: [fusion.bias] }] : fusion.layers
  return layers.map(({ weights, bias }) => ({ weights: Float32Array.from(weights), bias: Float32Array.from(bias) }))
}
