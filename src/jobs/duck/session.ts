/**
 * One DuckDB database in a job's work directory: bounded memory, spilling beside it, stopped by the job's signal.
 * DuckDB works on its own threads, so the event loop stays free for signals and progress.
 */
import { type DuckDBConnection, type DuckDBDataChunk, DuckDBInstance, type DuckDBResult } from '@duckdb/node-api'
import { type Job, JobError, type Resources } from '../run/job.ts'
import { sqlFile } from './sql_file.ts'

const POLL_MS = 250
/** DuckDB allocates beyond its limit (result buffers, its own heap), and Node needs memory as well. */
const DUCKDB_SHARE = 0.6

/** What DuckDB reports about files, values, memory and disk is the caller's to put right; the rest is a defect of ours. */
const CALLERS = /^(IO|Invalid Input|Invalid|Out of Memory|Out of Range|Conversion|HTTP|Permission) Error: /

export type Row = Record<string, unknown>

export type SessionOptions = { directory: string; resources: Resources; job: Job }

export class DuckSession {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  readonly #job: Job
  readonly directory: string
  readonly #stop: () => void

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, options: SessionOptions) {
    const { job, directory } = options
    this.#instance = instance
    this.#connection = connection
    this.#job = job
    this.directory = directory
    this.#stop = () => connection.interrupt()
    job.signal.addEventListener('abort', this.#stop)
  }

  static async open(options: SessionOptions): Promise<DuckSession> {
    options.job.signal.throwIfAborted()
    const { memory_bytes, threads } = options.resources
    const instance = await DuckDBInstance.create(`${options.directory}/work.duckdb`, {
      memory_limit: `${Math.floor((memory_bytes * DUCKDB_SHARE) / 2 ** 20)}MiB`,
      threads: String(threads),
      temp_directory: `${options.directory}/spill`,
      // Results must not depend on the machine's zone, nor a build on extensions that have to be downloaded.
      autoinstall_known_extensions: 'false',
    })
    const connection = await instance.connect()
    await connection.run("SET TimeZone = 'UTC'")
    await connection.run('SET enable_progress_bar = true')
    await connection.run('SET enable_progress_bar_print = false')
    return new DuckSession(instance, connection, options)
  }

  async run(sql: string): Promise<void> {
    await this.#guard(() => this.#connection.run(sql))
  }

  /** Runs a file of src/jobs/sql, its `${name}` filled in. */
  async runFile(name: string, values: Record<string, string | number> = {}): Promise<void> {
    await this.run(sqlFile(name, values))
  }

  /** Runs SQL as a step of its own, with DuckDB's estimate as the bar. */
  async task(title: string, sql: string): Promise<void> {
    const step = this.#job.progress.step(title, { total: 100 })
    const timer = setInterval(() => step.advance(Math.max(this.#connection.progress.percentage, 0)), POLL_MS)
    try {
      await this.run(sql)
    } finally {
      clearInterval(timer)
    }
    step.finish()
  }

  /** Small results only. */
  async rows(sql: string): Promise<Row[]> {
    return this.#guard(async () => (await this.#connection.runAndReadAll(sql)).getRowObjectsJS() as Row[])
  }

  /** Chunks of up to 2,048 rows, in the order of the query; the result may be larger than memory. */
  async *chunks(sql: string): AsyncGenerator<DuckDBDataChunk> {
    yield* this.#stream(sql, async (result) => {
      const chunk = await result.fetchChunk()
      return chunk && chunk.rowCount > 0 ? chunk : null
    })
  }

  /** The same as objects, one per row. */
  async *objects(sql: string): AsyncGenerator<Row> {
    let rows: AsyncIterator<Row[]> | undefined
    const batches = this.#stream(sql, async (result) => {
      rows ??= result.yieldRowObjectJs() as AsyncIterator<Row[]>
      const { value, done } = await rows.next()
      return done ? null : value
    })
    for await (const batch of batches) yield* batch
  }

  /** On a connection of its own, so that several results can be read side by side. */
  async *#stream<T>(sql: string, next: (result: DuckDBResult) => Promise<T | null>): AsyncGenerator<T> {
    const connection = await this.#instance.connect()
    const stop = () => connection.interrupt()
    this.#job.signal.addEventListener('abort', stop)
    try {
      const result = await this.#guard(() => connection.stream(sql))
      for (;;) {
        const value = await this.#guard(() => next(result))
        if (value === null) return
        yield value
      }
    } finally {
      this.#job.signal.removeEventListener('abort', stop)
      connection.disconnectSync()
    }
  }

  /** Appends rows of strings and integers to a table. */
  async appender(table: string) {
    return this.#connection.createAppender(table)
  }

  close(): void {
    this.#job.signal.removeEventListener('abort', this.#stop)
    this.#connection.disconnectSync()
    this.#instance.closeSync()
  }

  /** An interrupted query fails with DuckDB's own words; the job's reason says more. */
  async #guard<T>(work: () => Promise<T>): Promise<T> {
    this.#job.signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      this.#job.signal.throwIfAborted()
      throw asJobError(error)
    }
  }
}

function asJobError(error: unknown): unknown {
  const message = error instanceof Error ? error.message : ''
  if (!CALLERS.test(message)) return error
  const advice = message.startsWith('Out of Memory') ? '; give the job more with --memory' : ''
  return new JobError(message.replace(CALLERS, '').split('\n', 1)[0] + advice, { cause: error })
}
