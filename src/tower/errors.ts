/**
 * `overloaded`: the queue is full. `crashed`: the worker died twice under the request, or none can be started. `failed`:
 * the model refused its input. `closed`: the pool was closed meanwhile.
 */
export type TowerErrorKind = 'overloaded' | 'crashed' | 'failed' | 'closed'

export class TowerError extends Error {
  readonly kind: TowerErrorKind

  constructor(kind: TowerErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'TowerError'
    this.kind = kind
  }
}
