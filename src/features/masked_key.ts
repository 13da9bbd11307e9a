/**
 * Problems are logged; user ids are not, nor what users have just searched for. The hash tag of a key is one or the other.
 * Keys of batch-built values that are there may be shown: many people have searched for what is in them.
 */
export const maskedKey = (key: string) => key.replace(/\{.*\}$/s, '{…}')
