import { constants } from 'node:os'
import type { ControlClient } from '../client/client.ts'
import type { TerminalInfo } from '../protocols/control/views.ts'
import type { InputReceipt } from '../protocols/input-receipt.ts'
import { SignalboxError } from '../protocols/errors.ts'
import { nearest } from '../protocols/suggest.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, printJson, printLines } from './io.ts'
import { withOrchestrator } from './orchestrator-client.ts'
import { count } from './plural.ts'
import { exitText } from '../protocols/words.ts'
import { plainLine } from './plain.ts'
import { healthTable, renderHealth } from './render-health.ts'
import { terminalTable } from './render-terminals.ts'
import { widthOfScreen } from './table.ts'

type Common = { readonly json?: boolean }
export type TermSpawnOptions = Common & {
  readonly name?: string
  readonly attach?: boolean
  readonly detachKey: string
  /** Bytes. */
  readonly memory?: number
  readonly cpus?: number
  readonly processes?: number
  readonly ifMissing?: 'fail' | 'run'
}
export type TermRespawnOptions = {
  readonly json?: boolean | undefined
  readonly attach?: boolean | undefined
  readonly detachKey: string
}
export type TermLsOptions = Common & { readonly all?: boolean }
export type TermHealthOptions = Common
export type TermSendOptions = Common & {
  readonly noEnter?: boolean
  readonly paste?: boolean
  readonly waitForPrompt?: boolean
  /** Seconds. */
  readonly limit: number
  readonly key?: string
}
export type TermKillOptions = Common & { readonly signal?: string }

/** What one call types at most; base64 of it is below the limit of a line. */
const PIECE_BYTES = 262_144
/** How long a program that does not read is waited for. */
const SEND_LIMIT_MS = 120_000

/** `signalbox term spawn LANE [-- COMMAND…]`. */
export const termSpawnCommand = async (
  lane: string,
  command: readonly string[],
  { name, attach, json, detachKey, memory, cpus, processes, ifMissing }: TermSpawnOptions,
  io: Io,
): Promise<number> => {
  const { columns, rows } = io.out
  const limits = {
    ...(memory !== undefined && { memoryBytes: memory }),
    ...(cpus !== undefined && { cpus }),
    ...(processes !== undefined && { processes }),
    ...(ifMissing !== undefined && { ifMissing }),
  }
  const params = {
    lane,
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(name !== undefined && { name }),
    ...(command.length > 0 && { command }),
    ...(columns !== undefined && rows !== undefined && columns > 0 && rows > 0 && { cols: columns, rows }),
  }
  const { terminal } = await withOrchestrator(io, 'term spawn', (client) => client.call('terminal.spawn', params))
  return opened(terminal, { attach, json, detachKey }, io)
}

/** Tells of a terminal that was opened, and sits down at it. */
const opened = async (terminal: TerminalInfo, { attach, json, detachKey }: TermRespawnOptions, io: Io): Promise<number> => {
  if (json === true) printJson(io, { type: 'terminal', terminal })
  else {
    const pid = terminal.pid === null ? '' : `, pid ${terminal.pid}`
    printLines(io, [`terminal ${terminal.lane}/${terminal.name}: ${terminal.state}${pid}, ${plainLine(terminal.argv.join(' '))}`])
  }
  if (attach !== true) return EXIT.ok
  const { termAttachCommand } = await import('./term-attach.command.ts')
  return termAttachCommand(terminal.id, { detachKey }, io)
}

/** `signalbox term ls [LANE]`. */
export const termLsCommand = async (lane: string | undefined, { all = false, json }: TermLsOptions, io: Io): Promise<number> => {
  const params = { all, ...(lane !== undefined && { lane }) }
  const [{ terminals }, { terminals: healths }] = await withOrchestrator(io, 'term ls', (client) =>
    Promise.all([
      client.call('terminal.list', params),
      // a document tells nothing of it
      json === true ? { terminals: [] } : client.call('terminal.health', lane === undefined ? {} : { lane }),
    ]),
  )
  const healthOf = new Map(healths.map(({ id, health }) => [id, health]))
  if (json === true) printJson(io, { type: 'terminals', terminals })
  else if (terminals.length === 0) printLines(io, ['no terminals; open one with: signalbox term spawn LANE'])
  else
    printLines(
      io,
      terminalTable(terminals, widthOfScreen(io.out), (id) => healthOf.get(id) ?? null),
    )
  return EXIT.ok
}

/** `signalbox term health [TERMINAL]`. */
export const termHealthCommand = async (word: string | undefined, { json }: TermHealthOptions, io: Io): Promise<number> => {
  const params = word === undefined ? {} : { terminal: word }
  const { terminals } = await withOrchestrator(io, 'term health', (client) => client.call('terminal.health', params))
  const running = terminals.filter(({ health }) => health !== null)
  if (json === true) printJson(io, { type: 'terminal-health', terminals })
  else if (word !== undefined) printLines(io, terminals.flatMap(renderHealth))
  else if (running.length === 0) printLines(io, ['no terminal runs anything; open one with: signalbox term spawn LANE'])
  else printLines(io, healthTable(running, widthOfScreen(io.out)))
  return EXIT.ok
}

/** What is typed: words with Enter after them, or what stdin gives. */
type Input = { readonly chunks: AsyncIterable<Buffer> | Iterable<Buffer>; readonly enter: boolean }
/** One call: the last of an input has the Enter. */
type Piece = { readonly bytes: Buffer; readonly enter: boolean; readonly key?: string }
type Sent = { readonly bytes: number; readonly receipt: InputReceipt | null }

const inputOf = (words: readonly string[], noEnter: boolean): Input => {
  if (words.length > 0) return { chunks: [Buffer.from(words.join(' '))], enter: !noEnter }
  if (process.stdin.isTTY) {
    throw new SignalboxError('ERR_USAGE', 'nothing to type: give a text, or pipe it in; `signalbox term attach` is for typing yourself')
  }
  return { chunks: process.stdin as AsyncIterable<Buffer>, enter: false }
}

/** As they come; what is large in several. */
async function* asTheyCome({ chunks }: Input): AsyncGenerator<Piece> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) yield { bytes: chunk.subarray(at, at + PIECE_BYTES), enter: false }
  }
}

/** The same each time, for keys; a paste in one, so that nobody's input gets between its brackets. */
async function* fixed({ chunks, enter }: Input, { key, paste }: TermSendOptions): AsyncGenerator<Piece> {
  const parts: Buffer[] = []
  for await (const chunk of chunks) parts.push(chunk)
  const all = Buffer.concat(parts)
  if (paste === true && all.length > PIECE_BYTES) throw new SignalboxError('ERR_USAGE', `a paste has at most ${PIECE_BYTES} bytes`)
  for (let at = 0; at < Math.max(1, all.length); at += PIECE_BYTES) {
    const name = at === 0 ? key : `${key}/${at}`
    const isLast = at + PIECE_BYTES >= all.length
    yield {
      bytes: all.subarray(at, at + PIECE_BYTES),
      enter: enter && isLast,
      ...(key !== undefined && name !== undefined && { key: name }),
    }
  }
}

const send = async (client: ControlClient, terminal: string, input: Input, options: TermSendOptions): Promise<Sent> => {
  const { paste = false, key, waitForPrompt = false, limit } = options
  const pieces = paste || key !== undefined || input.enter ? fixed(input, options) : asTheyCome(input)
  let waitForPromptMs = waitForPrompt ? limit * 1_000 : null
  let sent = 0
  let receipt: InputReceipt | null = null
  for await (const { bytes, ...piece } of pieces) {
    const params = { terminal, bytes: bytes.toString('base64'), paste, ...piece, ...(waitForPromptMs !== null && { waitForPromptMs }) }
    const answer = await client.call('terminal.send', params, { timeoutMs: SEND_LIMIT_MS + (waitForPromptMs ?? 0) })
    waitForPromptMs = null
    sent += answer.sent
    receipt = answer.receipt ?? null
  }
  return { bytes: sent, receipt }
}

/** `signalbox term send TERMINAL [TEXT…]`. */
export const termSendCommand = async (word: string, words: readonly string[], options: TermSendOptions, io: Io): Promise<number> => {
  const input = inputOf(words, options.noEnter === true)
  const done = await withOrchestrator(io, 'term send', async (client) => {
    const { terminal } = await client.call('terminal.get', { terminal: word })
    return { terminal: terminal.id, ...(await send(client, terminal.id, input, options)) }
  })
  if (options.json === true) printJson(io, { type: 'sent', ...done })
  return EXIT.ok
}

/** `INT`, `sigint` and `SIGINT` are one. @throws ERR_USAGE with the nearest name */
const signalOf = (text: string): string => {
  const name = text.toUpperCase().replace(/^(?:SIG)?/u, 'SIG')
  if (Object.hasOwn(constants.signals, name)) return name
  const meant = nearest(name, Object.keys(constants.signals))
  throw new SignalboxError('ERR_USAGE', `there is no signal ${text}; ${meant === undefined ? 'such as INT' : `did you mean ${meant}?`}`)
}

/** `signalbox term respawn TERMINAL`. */
export const termRespawnCommand = async (word: string, { attach, json, detachKey }: TermRespawnOptions, io: Io): Promise<number> => {
  const { terminal } = await withOrchestrator(io, 'term respawn', (client) => client.call('terminal.respawn', { terminal: word }))
  return opened(terminal, { attach, json, detachKey }, io)
}

/** `signalbox term kill TERMINAL [--signal NAME]`. */
export const termKillCommand = async (word: string, { signal, json }: TermKillOptions, io: Io): Promise<number> => {
  if (signal !== undefined) {
    const params = { terminal: word, signal: signalOf(signal) }
    const { delivery } = await withOrchestrator(io, 'term kill', (client) => client.call('terminal.signal', params))
    if (json === true) printJson(io, { type: 'signal', terminal: word, delivery })
    else printLines(io, [`${delivery.signal} to ${delivery.target.scope} ${delivery.target.pid}: ${delivery.outcome}`])
    return delivery.outcome === 'refused' ? EXIT.failed : EXIT.ok
  }
  const { terminal } = await withOrchestrator(io, 'term kill', (client) => client.call('terminal.kill', { terminal: word }))
  if (json === true) printJson(io, { type: 'terminal', terminal })
  else {
    const { lane, name, exitCode, signal: by, attempts } = terminal
    printLines(io, [`ended: terminal ${lane}/${name}, ${exitText(exitCode, by)}, after ${count(attempts, 'attempt')}`])
  }
  return EXIT.ok
}
