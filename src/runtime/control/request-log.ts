import { createHash } from 'node:crypto'
import type { Clock } from '../../ports/clock.port.ts'
import { CATALOGUE, type ErrorCode } from '../../protocols/error-catalogue.ts'
import { type ErrorRecord, SignalboxError, toErrorRecord } from '../../protocols/errors.ts'
import type { RuntimeRecords } from '../records.ts'

const KIND = 'control-request'

/** What is recorded of a call that has a key. */
type Entry = {
  readonly id: string
  readonly method: string
  /** Of method and payload. */
  readonly hash: string
  readonly at: number
  /** Id of what the call makes, chosen before it is made: so it can be told later whether it was. */
  readonly assigned: string | null
  /** Absent while it is carried out. */
  readonly answer?: unknown
  readonly error?: ErrorRecord
}

/** A call that has a key. */
export type KeyedCall = {
  readonly key: string
  readonly method: string
  readonly params: unknown
  readonly assign?: (() => string) | undefined
  readonly run: (assigned: string | null) => Promise<unknown>
  /** Of one that an orchestrator had begun that died: its answer, or null where nothing of it was done. Absent: it cannot be told. */
  readonly again?: ((assigned: string) => Promise<unknown>) | undefined
}

/** Remembers what was answered to calls that change something, so that one that is repeated is not carried out twice. */
export interface RequestLog {
  /** @throws what the call throws, or ERR_CONTROL_KEY_REUSED, ERR_CONTROL_INTERRUPTED */
  once(call: KeyedCall): Promise<unknown>
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}

const hashOf = (method: string, params: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([method, sorted(params)]))
    .digest('base64url')

const errorOf = ({ code, message, context }: ErrorRecord): SignalboxError =>
  new SignalboxError(Object.hasOwn(CATALOGUE, code) ? (code as ErrorCode) : 'ERR_CONTROL_FAILED', message, { context })

/**
 * @param records where the calls are kept, so that they outlive the process
 * @param limit how many, the newest
 */
export const openRequestLog = async (records: RuntimeRecords, clock: Clock, limit: number): Promise<RequestLog> => {
  /** Oldest first. What was answered is read when it is asked for. */
  const known = new Map<string, Pick<Entry, 'hash' | 'method'>>()
  const underWay = new Map<string, Promise<unknown>>()
  const before = (await records.all<Entry>(KIND)).toSorted((a, b) => a.at - b.at)
  for (const { id, hash, method } of before) known.set(id, { hash, method })

  const write = (entry: Entry, deleted: readonly string[] = []): Promise<void> =>
    records.write({ records: [{ kind: KIND, id: entry.id, value: entry }], deleted: deleted.map((id) => ({ kind: KIND, id })) })

  /** Makes place for one more. */
  const surplus = (): string[] => {
    const keys: string[] = []
    for (const key of known.keys()) {
      if (known.size - keys.length <= limit) break
      if (!underWay.has(key)) keys.push(key)
    }
    for (const key of keys) known.delete(key)
    return keys
  }

  const forget = async (key: string): Promise<void> => {
    known.delete(key)
    await records.write({ deleted: [{ kind: KIND, id: key }] })
  }

  const carryOut = async (call: KeyedCall, entry: Entry): Promise<unknown> => {
    let answer: unknown
    try {
      answer = await call.run(entry.assigned)
    } catch (error) {
      // What may go well later is carried out again under the same key.
      if (error instanceof SignalboxError && !error.retryable) await write({ ...entry, error: toErrorRecord(error) })
      else await forget(call.key)
      throw error
    }
    await write({ ...entry, answer })
    return answer
  }

  const begin = async (call: KeyedCall, hash: string): Promise<unknown> => {
    const { key, method, assign } = call
    const entry: Entry = { id: key, method, hash, at: clock.now(), assigned: assign?.() ?? null }
    known.set(key, { hash, method })
    await write(entry, surplus())
    return carryOut(call, entry)
  }

  const repeat = async (call: KeyedCall, hash: string): Promise<unknown> => {
    const entry = await records.one<Entry>(KIND, call.key)
    if (entry === null) return begin(call, hash)
    if (entry.error !== undefined) throw errorOf(entry.error)
    if (entry.answer !== undefined) return entry.answer
    const { again, method, key } = call
    if (again === undefined || entry.assigned === null) {
      const text = `the orchestrator died while it carried ${method} out; look at the present state, then call with a new key`
      throw new SignalboxError('ERR_CONTROL_INTERRUPTED', text, { context: { method, key } })
    }
    const answer = await again(entry.assigned)
    if (answer === null) return carryOut(call, entry)
    await write({ ...entry, answer })
    return answer
  }

  return {
    async once(call) {
      const hash = hashOf(call.method, call.params)
      const entry = known.get(call.key)
      if (entry !== undefined && entry.hash !== hash) {
        const text = `the key ${call.key} was used for another call of ${entry.method}; use a new key for each call`
        throw new SignalboxError('ERR_CONTROL_KEY_REUSED', text, { context: { key: call.key, method: entry.method } })
      }
      const present = underWay.get(call.key)
      if (present !== undefined) return present
      const promise = entry === undefined ? begin(call, hash) : repeat(call, hash)
      underWay.set(call.key, promise)
      try {
        return await promise
      } finally {
        underWay.delete(call.key)
      }
    },
  }
}
