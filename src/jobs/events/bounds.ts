/** Times of a log, and of a job's view of it: what lies outside is in another unit. */
export const EARLIEST_MS = Date.UTC(1980, 0, 1)
export const LATEST_MS = Date.UTC(2100, 0, 1)
