/** A table file that cannot be used, or input that cannot become one; the message says what was found and what to do. */
export class ItemTableError extends Error {
  override readonly name = 'ItemTableError'
}
