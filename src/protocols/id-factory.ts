import { monotonicFactory } from 'ulid'
import { SignalboxError } from './errors.ts'
import { type Id, ID_PREFIXES, type IdKind } from './ids.ts'

/** Makes ids in ascending order. */
export type IdFactory = {
  /** @returns an id greater than every one of this kind that this factory made before, also when the clock goes back. */
  next<K extends IdKind>(kind: K): Id<K>
}

/** Shape of the port `Clock`, as far as ids need it. */
type Now = { /** Milliseconds since the Unix epoch. */ now(): number }
/** Shape of the port `Random`. */
type Next = { /** A number in [0, 1). */ next(): number }

/** The last moment that a ULID can name, in ms since the epoch. Source: https://github.com/ulid/spec */
const LAST_MS = 2 ** 48 - 1

/** Crockford's alphabet, upper case; a first digit above 7 would overflow 128 bits. Source: https://github.com/ulid/spec */
export const ULID: RegExp = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/**
 * @param sources.clock time of the ids @param sources.random their random part
 * @example createIdFactory({ clock, random }).next('lane') // ln_01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ
 */
export const createIdFactory = ({ clock, random }: { readonly clock: Now; readonly random: Next }): IdFactory => {
  const ulid = monotonicFactory(() => random.next())
  // `ulid` takes the time 0 for "none given" and reads the system's clock, so 1 is the first moment.
  let lastMs = 1
  const nextUlid = (): string => {
    lastMs = Math.max(lastMs, Math.min(Math.floor(clock.now()), LAST_MS))
    try {
      return ulid(lastMs)
    } catch {
      // The random part of this millisecond is used up: borrow from the next one.
      lastMs += 1
      return ulid(lastMs)
    }
  }
  return { next: (kind) => `${ID_PREFIXES[kind]}_${nextUlid()}` }
}

/** @returns whether `text` is an id of this kind: its prefix, an underscore, a ULID in upper case. */
export const isId = <K extends IdKind>(kind: K, text: string): text is Id<K> => {
  const start = `${ID_PREFIXES[kind]}_`
  return text.startsWith(start) && ULID.test(text.slice(start.length))
}

/** @returns `text` as an id of this kind. @throws ERR_ID_INVALID */
export const parseId = <K extends IdKind>(kind: K, text: string): Id<K> => {
  if (isId(kind, text)) return text
  const shown = text.length > 64 ? `${text.slice(0, 64)}…` : text
  throw new SignalboxError(
    'ERR_ID_INVALID',
    `${JSON.stringify(shown)} is not the id of a ${kind}: expected ${ID_PREFIXES[kind]}_ and a ULID`,
    {
      context: { kind, text: shown },
    },
  )
}
