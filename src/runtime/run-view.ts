import { lastLines } from '../actors/pty-spec.ts'
import type { Decision } from '../kernel/child-spec.ts'
import type { TerminalHost } from '../ports/terminal-host.port.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { LaneId, PtyId, RunId } from '../protocols/ids.ts'
import type { LaneState } from '../protocols/lane.machine.ts'
import type { Plan } from '../protocols/plan.ts'
import type { PtyState } from '../protocols/pty.machine.ts'
import type { CommandSummary, LaneSummary } from '../protocols/summary.ts'
import type { CommandView, LaneView, RunView } from '../protocols/view.ts'

/** Bytes of a ring looked at for the last line, at each redraw. */

type Draft<T> = { -readonly [K in keyof T]: T[K] }
type CommandDraft = Draft<CommandView> & { ptyId: PtyId | null }
type LaneDraft = Draft<Omit<LaneView, 'commands' | 'waitingFor'>> & {
  readonly after: readonly string[]
  readonly commands: Map<string, CommandDraft>
}

/** Keeps the present state of a run from its events. */
export type RunProjection = { apply(event: RecordedEvent): void; view(): RunView }

const outcomeOf = (payload: RecordedEvent['payload']): { exitCode: number | null; signal: string | null } => ({
  exitCode: payload['exitCode'] as number | null,
  signal: payload['signal'] as string | null,
})

const applyToCommand = (command: CommandDraft, event: RecordedEvent): void => {
  const { payload } = event
  switch (event.type) {
    case 'pty.state-changed':
      command.state = payload['to'] as PtyState
      if (payload['event'] === 'spawn') {
        Object.assign(command, { ptyId: event.ptyId ?? null, attempts: payload['attempt'], endedAt: null, exitCode: null, signal: null })
        command.startedAt ??= event.at
      }
      return
    case 'pty.exited':
      Object.assign(command, outcomeOf(payload), {
        endedAt: event.at,
        lastLine: (payload['lastLines'] as string[]).at(-1) ?? command.lastLine,
      })
      return
    case 'supervisor.decided': {
      const decision = payload['decision'] as Decision
      command.restarts = decision.restarts
      if (decision.decision === 'restart' || decision.decision === 'wait') command.state = 'backoff'
      return
    }
    default:
  }
}

const applySummary = (lane: LaneDraft, summary: LaneSummary, at: number): void => {
  Object.assign(lane, { outcome: summary.outcome, endedAt: at })
  if (lane.startedAt === null) lane.state = 'skipped'
  for (const done of summary.commands) {
    const command = lane.commands.get(done.name)
    if (command !== undefined)
      Object.assign(command, { outcome: done.outcome satisfies CommandSummary['outcome'], attempts: done.attempts })
  }
}

const draftLane = (lane: Plan['lanes'][number], id: LaneId): LaneDraft => ({
  name: lane.name,
  id,
  state: 'waiting',
  outcome: null,
  startedAt: null,
  endedAt: null,
  after: lane.after,
  commands: new Map(
    lane.commands.map(({ name, intensity }) => [
      name,
      {
        name,
        state: 'waiting',
        startedAt: null,
        endedAt: null,
        attempts: 0,
        restarts: 0,
        allowed: intensity,
        lastLine: '',
        outcome: null,
        exitCode: null,
        signal: null,
        ptyId: null,
      },
    ]),
  ),
})

/** @param lanes ids by name, as the run's first event tells them */
export const projectRun = (
  runId: RunId,
  plan: Plan,
  startedAt: number,
  lanes: ReadonlyMap<string, LaneId>,
  terminals: TerminalHost,
): RunProjection => {
  const drafts = new Map<string, LaneDraft>(plan.lanes.map((lane) => [lane.name, draftLane(lane, lanes.get(lane.name) ?? 'ln_')]))
  const byId = new Map([...drafts.values()].map((lane) => [lane.id, lane]))
  const lastLine = ({ ptyId, lastLine: recorded }: CommandDraft): string => {
    const pty = ptyId === null ? undefined : terminals.get(ptyId)
    return pty === undefined ? recorded : (lastLines(pty.preview(), 1)[0] ?? '')
  }
  const viewCommand = (command: CommandDraft): CommandView => {
    const { ptyId: _, ...view } = command
    return { ...view, lastLine: lastLine(command) }
  }
  const viewLane = ({ after, commands, ...lane }: LaneDraft): LaneView => ({
    ...lane,
    waitingFor: lane.state === 'waiting' ? after.filter((name) => drafts.get(name)?.endedAt == null) : [],
    commands: [...commands.values()].map(viewCommand),
  })
  return {
    apply(event) {
      const lane = event.laneId === undefined ? undefined : byId.get(event.laneId)
      if (lane === undefined) return
      if (event.type === 'lane.created') lane.startedAt = event.at
      else if (event.type === 'lane.state-changed') lane.state = event.payload['to'] as LaneState
      else if (event.type === 'lane.ended') applySummary(lane, event.payload['summary'] as LaneSummary, event.at)
      else {
        const command = lane.commands.get(String(event.payload['command']))
        if (command !== undefined) applyToCommand(command, event)
      }
    },
    view: () => ({ runId, startedAt, lanes: [...drafts.values()].map(viewLane) }),
  }
}
