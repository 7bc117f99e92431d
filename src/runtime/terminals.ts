import type { Settings } from '../protocols/config.schema.ts'
import { event } from '../actors/journal.ts'
import { JOURNAL, laneName, terminalsName, terminalTreeName } from '../actors/names.ts'
import { isLost } from '../actors/lost-terminals.ts'
import type { SupervisorProtocol } from '../kernel/child-spec.ts'
import { named } from '../kernel/types.ts'
import type { TerminalHealth } from '../actors/terminal-health.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { ProcessTable } from '../ports/process-table.port.ts'
import type { Pty, TerminalHost } from '../ports/terminal-host.port.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { LaneId, TerminalId } from '../protocols/ids.ts'
import type { LimitsRequest } from '../protocols/limits.ts'
import type { OwnLaneProtocol, TerminalSize } from '../protocols/own-lane.protocol.ts'
import type { PlanCommand, RestartType } from '../protocols/plan.ts'
import type { LaneRecord, PtyRecord, TerminalRecord } from '../protocols/records.ts'
import type { SearchOptions, SearchResult, TerminalText, TextOptions } from '../protocols/terminal-text.ts'
import type { TerminalHealthInfo, TerminalInfo } from '../protocols/control/views.ts'
import type { System } from '../supervisors/system.types.ts'
import type { EndedOutput } from './ended-output.ts'
import { laneOfPlan } from './lane-plan.ts'
import type { RuntimeRecords } from './records.ts'
import { rootCause } from './root-cause.ts'

const SPAWN_LIMIT_MS = 60_000
/** Beyond the grace of a command: to end what its process tree left behind and to record it. */
const STOP_MARGIN_MS = 60_000

export type TerminalRequest = {
  readonly laneId: LaneId
  /** @defaultValue made from the command; of a shell its own name */
  readonly name?: string | undefined
  /** A text runs by `/bin/sh -c`; a list is argv. @defaultValue the user's shell */
  readonly command?: string | readonly string[] | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly restart?: RestartType | undefined
  /** ms @defaultValue 5,000 */
  readonly graceMs?: number | undefined
  /** @defaultValue those of the configuration */
  readonly limits?: LimitsRequest | undefined
  readonly size?: TerminalSize | undefined
}

export type HealthOptions = {
  readonly terminalId?: TerminalId | undefined
  readonly laneId?: LaneId | undefined
  /** As it was seen last, without another look. @defaultValue false */
  readonly asSeen?: boolean
}

export type ListOptions = {
  readonly laneId?: LaneId | undefined
  readonly all?: boolean | undefined
  /** Whether the system is asked for what is not recorded; else `fds` is null. @defaultValue true */
  readonly measured?: boolean
}

/** The terminals of lanes: those of runs, and those that are opened one by one. */
export interface Terminals {
  /**
   * Opens a terminal in a lane of its own. @returns once its process runs
   * @throws ERR_LANE_NOT_FOUND, ERR_LANE_NOT_READY, ERR_TERMINAL_EXISTS, ERR_PLAN_INVALID, ERR_PTY_…
   */
  spawn(request: TerminalRequest, by: string): Promise<TerminalInfo>
  /** Those of lanes that have not ended, or of all. Oldest first. */
  list(options?: ListOptions): Promise<readonly TerminalInfo[]>
  /** @throws ERR_TERMINAL_NOT_FOUND */
  get(id: TerminalId): Promise<TerminalInfo>
  /**
   * How they are: looked at now, unless that was done less than a second ago; one, those of a lane, or all of lanes that have
   * not ended. @throws ERR_TERMINAL_NOT_FOUND
   */
  health(options?: HealthOptions): Promise<readonly TerminalHealthInfo[]>
  /** The process behind it. @throws ERR_TERMINAL_NOT_FOUND, ERR_PTY_ENDED */
  pty(id: TerminalId): Promise<Pty>
  /** Its output as text: of its process, or of the log of its last one. @throws ERR_TERMINAL_NOT_FOUND, ERR_LOG_FAILED, as `Pty.text` */
  text(id: TerminalId, options: TextOptions): Promise<TerminalText>
  /** Lines of its output, likewise. @throws as `text`, as `Pty.search` */
  search(id: TerminalId, options: SearchOptions): Promise<SearchResult>
  /**
   * Starts its command again that is over, or was lost with what held it: in the same place, with the size that it had, and
   * the environment as it is now. @throws ERR_TERMINAL_NOT_FOUND, ERR_TERMINAL_EXISTS, ERR_LANE_NOT_READY, ERR_PTY_…
   */
  respawn(id: TerminalId, by: string): Promise<TerminalInfo>
  /** Settings of terminals, as they are now. */
  settings(): Settings['terminals']
  /** Ends its process, and the terminal where no run decides about it. Idempotent. @throws ERR_TERMINAL_NOT_FOUND */
  kill(id: TerminalId, by: string, graceMs?: number): Promise<TerminalInfo>
}

type Parts = {
  readonly system: Pick<System, 'ask' | 'lookup' | 'tell'>
  readonly clock: Clock
  readonly records: RuntimeRecords
  readonly host: TerminalHost
  readonly watch: Pick<TerminalHealth, 'look' | 'of'>
  readonly processTable: Pick<ProcessTable, 'usage'>
  readonly ended: Pick<EndedOutput, 'text' | 'search'>
  readonly shell: string
  /** What a command means where its request does not say. */
  readonly defaults: () => Settings
}

const infoOf = (
  terminal: TerminalRecord,
  lane: LaneRecord | null,
  pty: PtyRecord | null,
  live: Pty | undefined,
  fds: number | null,
): TerminalInfo => {
  const stats = live?.stats()
  return {
    id: terminal.id,
    name: terminal.command,
    laneId: terminal.laneId,
    lane: lane?.name ?? '',
    runId: terminal.runId,
    ptyId: terminal.lastPtyId,
    state: pty?.snapshot.state ?? 'idle',
    attempts: terminal.attempts,
    argv: pty?.argv ?? [],
    cwd: pty?.cwd ?? lane?.worktree.path ?? '',
    envNames: pty?.envNames ?? [],
    fds,
    pid: pty?.endedAt === null ? (pty.process?.pid ?? null) : null,
    cols: stats?.cols ?? pty?.size?.cols ?? null,
    rows: stats?.rows ?? pty?.size?.rows ?? null,
    outputBytes: stats?.outputBytes ?? null,
    startedAt: pty?.startedAt ?? null,
    endedAt: pty?.endedAt ?? null,
    exitCode: pty?.exit?.exitCode ?? null,
    signal: pty?.exit?.signal ?? null,
    error: pty?.exit?.error?.message ?? null,
    lost: isLost(pty),
    log: pty?.log ?? null,
  }
}

const shellName = (shell: string): string => shell.slice(shell.lastIndexOf('/') + 1) || 'sh'

/** A name that no terminal that runs has: `bash`, `bash-2`. */
const freeName = (stem: string, running: ReadonlySet<string>): string => {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? stem : `${stem}-${count}`
    if (!running.has(name)) return name
  }
}

export const createTerminals = ({ system, records, host, watch, processTable, ended, shell, defaults, clock }: Parts): Terminals => {
  const view = async (terminal: TerminalRecord, lane: LaneRecord | null, measured: boolean = true): Promise<TerminalInfo> => {
    const pty = terminal.lastPtyId === null ? null : await records.pty(terminal.lastPtyId)
    const live = terminal.lastPtyId === null ? undefined : host.get(terminal.lastPtyId)
    const fds = live === undefined || !measured ? null : (processTable.usage?.(live.identity)?.fds ?? null)
    return infoOf(terminal, lane, pty, live, fds)
  }
  const ofId = async (id: TerminalId): Promise<TerminalRecord> => {
    const terminal = await records.terminal(id)
    if (terminal === null)
      throw new SignalboxError('ERR_TERMINAL_NOT_FOUND', `no terminal ${id} is recorded`, { context: { terminalId: id } })
    return terminal
  }
  const get = async (id: TerminalId): Promise<TerminalInfo> => {
    const terminal = await ofId(id)
    return view(terminal, await records.lane(terminal.laneId))
  }
  const list: Terminals['list'] = async ({ laneId, all = false, measured = true } = {}) => {
    const lanes = new Map((await records.lanes()).filter(({ endedAt }) => all || endedAt === null).map((lane) => [lane.id, lane]))
    const found = (await records.terminals()).filter((one) => lanes.has(one.laneId) && (laneId === undefined || one.laneId === laneId))
    return Promise.all(found.map((one) => view(one, lanes.get(one.laneId) ?? null, measured)))
  }

  /** As a command of a plan, with the rules and the defaults of one. */
  const commandOf = async (lane: LaneRecord, request: TerminalRequest): Promise<PlanCommand> => {
    const { name, command, env, restart, graceMs, limits } = request
    const run = command ?? [shell]
    const wanted = { name: name ?? (command === undefined ? shellName(shell) : undefined), run, env, restart, graceMs, limits }
    const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))
    const planned = laneOfPlan(lane.name, { commands: [given] }, defaults()).commands[0]
    if (planned === undefined) throw new SignalboxError('ERR_PLAN_INVALID', 'a terminal needs a command')
    if (name !== undefined) return planned
    const running = (await list({ laneId: lane.id, measured: false })).filter(({ endedAt }) => endedAt === null)
    return { ...planned, name: freeName(planned.name, new Set(running.map((one) => one.name))) }
  }

  const ownLane = async (laneId: LaneId): Promise<LaneRecord> => {
    const lane = await records.lane(laneId)
    if (lane === null) throw new SignalboxError('ERR_LANE_NOT_FOUND', `no lane ${laneId} is recorded`, { context: { laneId } })
    if (lane.runId === null && lane.endedAt === null) return lane
    const why = lane.endedAt === null ? `belongs to run ${lane.runId}, which alone starts commands in it` : 'has ended'
    throw new SignalboxError('ERR_LANE_NOT_READY', `lane ${lane.name} ${why}; make another with lane.create`, { context: { laneId } })
  }

  const open = async (laneId: LaneId, message: OwnLaneProtocol['lane.spawn']['message']): Promise<TerminalInfo> => {
    try {
      const { terminalId } = await system.ask(named<OwnLaneProtocol>(laneName(laneId)), 'lane.spawn', message, {
        timeoutMs: SPAWN_LIMIT_MS,
      })
      return await get(terminalId)
    } catch (error) {
      throw rootCause(error)
    }
  }

  /** The process of a terminal, or the record of its last one. */
  const last = async (id: TerminalId): Promise<{ readonly live: Pty } | { readonly live: undefined; readonly record: PtyRecord }> => {
    const { lastPtyId, command } = await ofId(id)
    const live = lastPtyId === null ? undefined : host.get(lastPtyId)
    if (live !== undefined) return { live }
    const record = lastPtyId === null ? null : await records.pty(lastPtyId)
    if (record !== null) return { live, record }
    throw new SignalboxError('ERR_PTY_ENDED', `terminal ${command} has run nothing yet`, { context: { terminalId: id } })
  }

  return {
    get,
    list,
    settings: () => defaults().terminals,
    async spawn(request, by) {
      const lane = await ownLane(request.laneId)
      const command = await commandOf(lane, request)
      return open(lane.id, { command, by, ...(request.size !== undefined && { size: request.size }) })
    },
    async text(id, options) {
      const found = await last(id)
      return found.live === undefined ? ended.text(found.record, options) : found.live.text(options)
    },
    async search(id, options) {
      const found = await last(id)
      return found.live === undefined ? ended.search(found.record, options) : found.live.search(options)
    },
    async respawn(id, by) {
      const { laneId, lastPtyId, opened, command } = await ofId(id)
      const lane = await ownLane(laneId)
      if (opened === undefined)
        throw new SignalboxError('ERR_LANE_NOT_READY', `what ${lane.name}/${command} ran is not on record; open it with terminal.spawn`)
      const size = (lastPtyId === null ? null : await records.pty(lastPtyId))?.size ?? opened.size
      return open(laneId, { command: opened.command, by, ...(size !== undefined && { size }) })
    },
    async health({ terminalId, laneId, asSeen = false } = {}) {
      if (!asSeen) await watch.look()
      const shown = terminalId === undefined ? await list({ laneId, measured: false }) : [await get(terminalId)]
      return shown.map(({ id, name, laneId: ofLane, lane, runId, ptyId, state, attempts, pid }) => {
        const health = ptyId === null || pid === null ? null : watch.of(ptyId)
        return { id, name, laneId: ofLane, lane, runId, ptyId, state, attempts, pid, health }
      })
    },
    async pty(id) {
      const { lastPtyId, command } = await ofId(id)
      const pty = lastPtyId === null ? undefined : host.get(lastPtyId)
      if (pty !== undefined) return pty
      throw new SignalboxError('ERR_PTY_ENDED', `terminal ${command} runs nothing now`, { context: { terminalId: id } })
    },
    async kill(id, by, graceMs) {
      const { laneId, lastPtyId, runId, command } = await ofId(id)
      const pty = lastPtyId === null ? undefined : host.get(lastPtyId)
      const name = terminalTreeName(id)
      const lane = (await records.lane(laneId))?.name ?? ''
      const ids = { laneId, terminalId: id, ...(runId !== null && { runId }) }
      const ending = event(clock.now(), 'terminal.ending', ids, { lane, command, by, graceMs: graceMs ?? null })
      if (pty !== undefined) system.tell(JOURNAL, 'journal.commit', { events: [ending] })
      if (pty !== undefined && graceMs !== undefined) pty.terminate({ graceMs, askedBy: by }).catch(() => undefined) // its actor is told
      if (runId !== null) await pty?.terminate({ graceMs: graceMs ?? defaults().command.graceMs, askedBy: by })
      else if (system.lookup(name) !== undefined) {
        const supervisor = named<SupervisorProtocol>(terminalsName(laneId))
        await system.ask(supervisor, 'supervisor.stop-child', { name }, { timeoutMs: (graceMs ?? 0) + STOP_MARGIN_MS })
      }
      return get(id)
    },
  }
}
