import { constants } from 'node:os'
import type { ControlMethods } from '../../protocols/control/methods.ts'
import type { TerminalInfo } from '../../protocols/control/views.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import type { OwnLaneProtocol } from '../../protocols/own-lane.protocol.ts'
import { attachment } from './attach.ts'
import type { Methods, Served } from './method.types.ts'
import { readLogTail } from '../terminal-log.ts'
import { findLane, findTerminal } from './resolve.ts'
import { untilItReads } from './prompt.ts'
import { createSeats, type Seats } from './seats.ts'

const DEFAULT_TAIL_BYTES = 65_536
const DEFAULT_SIZE = { cols: 120, rows: 30 } as const

type Names = Extract<keyof ControlMethods, `terminal.${string}`>

const signalName = (text: string): NodeJS.Signals => {
  if (Object.hasOwn(constants.signals, text)) return text as NodeJS.Signals
  throw new SignalboxError('ERR_CONTROL_PAYLOAD_INVALID', `there is no signal ${text} here; such as SIGINT`, { context: { signal: text } })
}

type Size = NonNullable<OwnLaneProtocol['lane.spawn']['message']['size']>
const sizeOf = ({ cols, rows }: { readonly cols?: number | undefined; readonly rows?: number | undefined }): Size | undefined =>
  cols === undefined && rows === undefined ? undefined : { cols: cols ?? DEFAULT_SIZE.cols, rows: rows ?? DEFAULT_SIZE.rows }

const logOf = ({ log, attempts, lane, name }: TerminalInfo, attempt = attempts): string => {
  if (log !== null && attempt <= attempts) return log.replace(/\.\d+\.log$/u, `.${attempt}.log`)
  throw new SignalboxError(
    'ERR_TERMINAL_NOT_FOUND',
    `terminal ${lane}/${name} has no attempt ${attempt} with a log; it has run ${attempts} times`,
  )
}

/** Terminals. */
export const terminalMethods = (
  { runtime: { records, terminals }, limits, clock }: Served,
  seats: Seats = createSeats(() => terminals.settings().windowSize),
): Pick<Methods, Names> => ({
  'terminal.spawn': {
    async run({ lane, cols, rows, ...request }, { by }) {
      const { id: laneId } = await findLane(records, lane)
      return { terminal: await terminals.spawn({ ...request, laneId, size: sizeOf({ cols, rows }) }, by) }
    },
  },
  'terminal.list': {
    async run({ lane, all }) {
      const laneId = lane === undefined ? undefined : (await findLane(records, lane)).id
      return { terminals: await terminals.list({ laneId, all }) }
    },
  },
  'terminal.get': { run: async ({ terminal }) => ({ terminal: await terminals.get((await findTerminal(terminals, terminal)).id) }) },
  'terminal.health': {
    async run({ terminal, lane }) {
      const terminalId = terminal === undefined ? undefined : (await findTerminal(terminals, terminal)).id
      const laneId = lane === undefined ? undefined : (await findLane(records, lane)).id
      return { terminals: await terminals.health({ terminalId, laneId }) }
    },
  },
  'terminal.send': {
    async run({ terminal, text, bytes, waitForPromptMs, key, paste = false, enter = false }) {
      const pty = await terminals.pty((await findTerminal(terminals, terminal)).id)
      const input = text === undefined ? Buffer.from(bytes ?? '', 'base64') : Buffer.from(text)
      // What is applied needs no program that reads.
      const isNew = key === undefined || (await pty.receipt(key)).state === 'unknown'
      if (waitForPromptMs !== undefined && isNew) await untilItReads(pty, waitForPromptMs, clock)
      await pty.write(input, { paste, enter, ...(key !== undefined && { key }) })
      return { sent: input.length, ...(key !== undefined && { receipt: await pty.receipt(key) }) }
    },
  },
  'terminal.receipt': {
    async run({ terminal, key }) {
      const pty = await terminals.pty((await findTerminal(terminals, terminal)).id)
      return { receipt: await pty.receipt(key) }
    },
  },
  'terminal.resize': {
    async run({ terminal, cols, rows }) {
      const pty = await terminals.pty((await findTerminal(terminals, terminal)).id)
      await pty.resize(cols, rows)
      return { cols, rows }
    },
  },
  'terminal.signal': {
    async run({ terminal, signal }, { by }) {
      const name = signalName(signal)
      const pty = await terminals.pty((await findTerminal(terminals, terminal)).id)
      return { delivery: await pty.signal(name, by) }
    },
  },
  'terminal.kill': {
    async run({ terminal, graceMs }, { by }) {
      const { id } = await findTerminal(terminals, terminal)
      return { terminal: await terminals.kill(id, by, graceMs) }
    },
  },
  'terminal.respawn': {
    async run({ terminal }, { by }) {
      const { id } = await findTerminal(terminals, terminal)
      return { terminal: await terminals.respawn(id, by) }
    },
  },
  'terminal.logs': {
    async run({ terminal, tailBytes = DEFAULT_TAIL_BYTES, attempt }) {
      const path = logOf(await findTerminal(terminals, terminal), attempt)
      const { bytes, ...rest } = await readLogTail(path, tailBytes)
      return { path, ...rest, bytes: bytes.toString('base64') }
    },
  },
  'terminal.text': {
    async run({ terminal, ...options }) {
      return terminals.text((await findTerminal(terminals, terminal)).id, options)
    },
  },
  'terminal.search': {
    async run({ terminal, ...options }) {
      return terminals.search((await findTerminal(terminals, terminal)).id, options)
    },
  },
  'terminal.attach': {
    async run({ terminal, cols, rows, tailBytes = DEFAULT_TAIL_BYTES, screen = false, windowSize }, { takeOver }) {
      const { id } = await findTerminal(terminals, terminal)
      const pty = await terminals.pty(id)
      const size = sizeOf({ cols, rows })
      // before the answer, which tells what is wrong with a size, and shows it
      const shared = size === undefined ? null : seats.sizeWith(pty, size, windowSize)
      if (shared !== null) await pty.resize(shared.cols, shared.rows)
      takeOver(attachment(pty, { tailBytes, screen, limits, seats, size, windowSize }))
      const { clipboard } = terminals.settings()
      return { terminal: await terminals.get(id), clipboard, windowBytes: limits.windowBytes }
    },
  },
})
