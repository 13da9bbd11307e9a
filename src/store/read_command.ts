/**
 * Commands that leave nothing behind. V8 allocates a function that is written as the value of a property
 * (`this.reject = (error) => …`) in its old generation, since most of those are methods of something that stays. Every command
 * of ioredis 6.0 has one, and what it captures keeps the command, its arguments and its reply until the whole heap is
 * collected. A function that was a variable before does not.
 */
import { Command } from 'ioredis'

class ReadCommand extends Command {}

/** What the constructor calls, and a Cluster once more before it sends a command to another node. */
function initPromise(this: ReadCommand & { isSettled: boolean }): void {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const succeed = (value: unknown) => {
    this.isSettled = true
    resolve(value)
  }
  const fail = (error: Error) => {
    this.isSettled = true
    reject(error)
  }
  this.isSettled = false
  this.promise = promise
  this.resolve = succeed
  this.reject = fail
}

// Private in the types, so no method of the class can have its place.
Object.assign(ReadCommand.prototype, { initPromise })

/** Its reply is bytes, or arrays of them. Arguments are sent as they are, without a prefix. */
export function readCommand(name: 'get' | 'lrange', args: string[]): Command {
  return new ReadCommand(name, args, { replyEncoding: null })
}
