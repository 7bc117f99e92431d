import { constants } from 'node:os'
import type { ControlClient } from '../client/client.ts'
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
export type TermSpawnOptions = Common & { readonly name?: string; readonly attach?: boolean; readonly detachKey: string }
export type TermLsOptions = Common & { readonly all?: boolean }
export type TermHealthOptions = Common
export type TermSendOptions = Common & { readonly noEnter?: boolean }
export type TermKillOptions = Common & { readonly signal?: string }

/** What one call types at most; base64 of it is below the limit of a line. */
const PIECE_BYTES = 262_144

/** `signalbox term spawn LANE [-- COMMAND…]`. */
export const termSpawnCommand = async (
  lane: string,
  command: readonly string[],
  { name, attach, json, detachKey }: TermSpawnOptions,
  io: Io,
): Promise<number> => {
  const { columns, rows } = io.out
  const params = {
    lane,
    ...(name !== undefined && { name }),
    ...(command.length > 0 && { command }),
    ...(columns !== undefined && rows !== undefined && columns > 0 && rows > 0 && { cols: columns, rows }),
  }
  const { terminal } = await withOrchestrator(io, 'term spawn', (client) => client.call('terminal.spawn', params))
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
    Promise.all([client.call('terminal.list', params), client.call('terminal.health', lane === undefined ? {} : { lane })]),
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

const typed = async function* (words: readonly string[], noEnter: boolean): AsyncGenerator<Buffer> {
  if (words.length > 0) yield Buffer.from(`${words.join(' ')}${noEnter ? '' : '\r'}`)
  else if (process.stdin.isTTY) {
    throw new SignalboxError('ERR_USAGE', 'nothing to type: give a text, or pipe it in; `signalbox term attach` is for typing yourself')
  } else for await (const chunk of process.stdin) yield chunk as Buffer
}

const send = async (client: ControlClient, terminal: string, input: AsyncIterable<Buffer>): Promise<number> => {
  let sent = 0
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      const bytes = chunk.subarray(at, at + PIECE_BYTES).toString('base64')
      sent += (await client.call('terminal.send', { terminal, bytes })).sent
    }
  }
  return sent
}

/** `signalbox term send TERMINAL [TEXT…]`. */
export const termSendCommand = async (
  word: string,
  words: readonly string[],
  { noEnter = false, json }: TermSendOptions,
  io: Io,
): Promise<number> => {
  const done = await withOrchestrator(io, 'term send', async (client) => {
    const { terminal } = await client.call('terminal.get', { terminal: word })
    return { terminal: terminal.id, bytes: await send(client, terminal.id, typed(words, noEnter)) }
  })
  if (json === true) printJson(io, { type: 'sent', ...done })
  return EXIT.ok
}

/** `INT`, `sigint` and `SIGINT` are one. @throws ERR_USAGE with the nearest name */
const signalOf = (text: string): string => {
  const name = text.toUpperCase().replace(/^(?:SIG)?/u, 'SIG')
  if (Object.hasOwn(constants.signals, name)) return name
  const meant = nearest(name, Object.keys(constants.signals))
  throw new SignalboxError('ERR_USAGE', `there is no signal ${text}; ${meant === undefined ? 'such as INT' : `did you mean ${meant}?`}`)
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
