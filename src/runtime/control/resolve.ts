import type { TerminalInfo } from '../../protocols/control/views.ts'
import { type ErrorCode, SignalboxError } from '../../protocols/errors.ts'
import type { LaneRecord, RunRecord } from '../../protocols/records.ts'
import { nearest } from '../../protocols/suggest.ts'
import type { RuntimeRecords } from '../records.ts'
import type { Terminals } from '../terminals.ts'

/** Fewer letters of an id than its prefix and four more are a name. */
const ID_START = /^[a-z]{2}_[0-9A-HJKMNP-TV-Z]{4,26}$/i

type Named = { readonly id: string }

/** @param others what may have been meant besides, and is not listed. @internal shared with find-actor.ts */
export const notFound = (
  code: ErrorCode,
  what: string,
  word: string,
  candidates: readonly string[],
  others: readonly string[] = [],
): SignalboxError => {
  const meant = nearest(word, [...candidates, ...others])
  const more =
    candidates.length === 0 ? 'there are none' : `there are ${candidates.slice(0, 10).join(', ')}${candidates.length > 10 ? ' …' : ''}`
  const hint = meant === undefined ? more : `did you mean "${meant}"?`
  return new SignalboxError(code, `no ${what} "${word}"; ${hint}`, { context: { [what]: word } })
}

/** The one whose id begins so, or undefined. @throws the code, when there are several */
const byId = <T extends Named>(code: ErrorCode, what: string, word: string, all: readonly T[]): T | undefined => {
  if (!ID_START.test(word)) return undefined
  const start = `${word.slice(0, 3).toLowerCase()}${word.slice(3).toUpperCase()}`
  const [found, ...others] = all.filter(({ id }) => id.startsWith(start))
  if (others.length === 0) return found
  throw new SignalboxError(code, `${others.length + 1} ${what}s have an id that begins with ${word}; use more of it`, {
    context: { [what]: word },
  })
}

/** Of the lanes that were removed and saved: by id, the beginning of one, or name, then the newest. @throws ERR_SAVED_NOT_FOUND */
export const findRemoved = <T extends Named & { readonly name: string }>(all: readonly T[], word: string): T => {
  const found = byId('ERR_SAVED_NOT_FOUND', 'removed lane', word, all) ?? all.findLast(({ name }) => name === word)
  if (found !== undefined) return found
  throw notFound('ERR_SAVED_NOT_FOUND', 'removed lane', word, [...new Set(all.map(({ name }) => name))])
}

/** By id, the beginning of one, or name: of those that have not ended if there is one, else the newest. @throws ERR_LANE_NOT_FOUND */
export const findLane = async (records: RuntimeRecords, word: string): Promise<LaneRecord> => {
  const lanes = await records.lanes()
  const named = lanes.filter(({ name }) => name === word)
  const found = byId('ERR_LANE_NOT_FOUND', 'lane', word, lanes) ?? named.findLast(({ endedAt }) => endedAt === null) ?? named.at(-1)
  if (found !== undefined) return found
  const open = lanes.filter(({ endedAt }) => endedAt === null).map(({ name }) => name)
  throw notFound('ERR_LANE_NOT_FOUND', 'lane', word, [...new Set(open)])
}

/** By id, the beginning of one, or `latest`. @throws ERR_RUN_NOT_FOUND */
export const findRun = async (records: RuntimeRecords, word: string): Promise<RunRecord> => {
  const runs = await records.runs()
  const found = word === 'latest' ? runs.at(-1) : byId('ERR_RUN_NOT_FOUND', 'run', word, runs)
  if (found !== undefined) return found
  throw notFound('ERR_RUN_NOT_FOUND', 'run', word, runs.map(({ id }) => id as string).toReversed())
}

/** By the id of its last PTY, or the beginning of one. */
const byPty = (word: string, all: readonly TerminalInfo[]): TerminalInfo | undefined => {
  const last = all.flatMap((terminal) => (terminal.ptyId === null ? [] : [{ id: terminal.ptyId, terminal }]))
  return byId('ERR_TERMINAL_NOT_FOUND', 'terminal', word, last)?.terminal
}

/** Without its descriptors. By id, the beginning of one, that of its PTY, name, or `LANE/NAME`: of those that run if there is one, else the newest. @throws ERR_TERMINAL_NOT_FOUND, also where several lanes have one of the name */
export const findTerminal = async (terminals: Terminals, word: string): Promise<TerminalInfo> => {
  const code = 'ERR_TERMINAL_NOT_FOUND'
  const all = await terminals.list({ all: true, measured: false })
  const known = byId(code, 'terminal', word, all) ?? byPty(word, all)
  if (known !== undefined) return known
  const open = await terminals.list({ measured: false })
  for (const candidates of [open.filter(({ endedAt }) => endedAt === null), open.toReversed(), all.toReversed()]) {
    const exact = candidates.find(({ lane, name }) => `${lane}/${name}` === word)
    if (exact !== undefined) return exact
    const named = candidates.filter(({ name }) => name === word)
    const places = [...new Set(named.map(({ lane }) => `${lane}/${word}`))]
    if (places.length > 1) {
      throw new SignalboxError(code, `several lanes have a terminal "${word}": ${places.join(', ')}; name one of these`, {
        context: { terminal: word },
      })
    }
    if (named[0] !== undefined) return named[0]
  }
  throw notFound(
    code,
    'terminal',
    word,
    open.map(({ lane, name }) => `${lane}/${name}`),
    open.map(({ name }) => name),
  )
}
