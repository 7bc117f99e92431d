import { join } from 'node:path'
import type { ChildSpec } from '../kernel/child-spec.ts'
import { laneMachine } from '../protocols/lane.machine.ts'
import type { TerminalId } from '../protocols/ids.ts'
import type { PlanCommand } from '../protocols/plan.ts'
import type { LaneRecord, PtyRecord, TerminalRecord } from '../protocols/records.ts'
import { readRecord } from './journal.ts'
import { type CommandProgress, type LaneActorState, settle } from './lane-state.ts'
import type { LaneArgs } from './services.ts'

/** The record of a lane that begins: named so that a second run never collides with it. */
export const newRecord = (args: LaneArgs, at: number): LaneRecord => {
  const slug = `${args.lane.name}-${args.laneId.slice(-8).toLowerCase()}`
  return {
    id: args.laneId,
    runId: args.runId,
    name: args.lane.name,
    snapshot: laneMachine.initial,
    worktree: { path: join(args.services.lanesDirectory, slug), branch: `${args.services.branchPrefix}${slug}`, baseCommit: '' },
    terminals: args.lane.commands.map(({ name }) => ({ command: name, id: args.services.newId('terminal') })),
    createdAt: at,
    endedAt: null,
    summary: null,
  }
}

const waiting = (args: LaneArgs, record: LaneRecord): CommandProgress[] =>
  args.lane.commands.map((spec) => ({
    spec,
    terminalId: record.terminals?.find(({ command }) => command === spec.name)?.id ?? args.services.newId('terminal'),
    phase: 'waiting',
    attempts: 0,
    last: null,
    outcome: null,
    reason: null,
  }))

/** A lane of which nothing has begun. */
export const newState = (args: LaneArgs, record: LaneRecord, startedMonotonic: number): LaneActorState => ({
  args,
  record,
  commands: waiting(args, record),
  verdict: null,
  rejoining: null,
  provisioning: new AbortController(),
  provisioned: false,
  adding: false,
  cleaningAttempts: 0,
  startedMonotonic,
})

type Reader = Parameters<typeof readRecord>[0]

/** The tree of the terminal of one of the lane's commands. */
export const terminalSpec = (args: LaneArgs, { worktree }: LaneRecord, command: PlanCommand, terminalId: TerminalId): ChildSpec => {
  const { services, runId, laneId, lane } = args
  const { path, branch } = worktree
  return services.trees.terminal({ services, runId, laneId, terminalId, lane: lane.name, command, env: lane.env, cwd: path, branch })
}

/** Whether a command goes on after this attempt: its process runs, or its end is not recorded, or it is to be restarted. */
export const goesOn = ({ restart, intensity, classify }: PlanCommand, { endedAt, exit, attempt }: PtyRecord): boolean => {
  if (endedAt === null) return true
  if (restart === 'temporary' || exit?.stopped === true) return false
  // A first start that failed is not tried again.
  if (exit !== null && exit.error !== null && exit.error.code !== 'ERR_PTY_LOST' && attempt === 1) return false
  if (exit !== null && exit.error === null && exit.exitCode === 0 && restart !== 'permanent') return false
  const decision = exit?.finding == null ? 'restart' : classify.decide[exit.finding.class]
  // A new supervisor counts restarts anew, and none is none by any count.
  return decision === 'restart' ? intensity.restarts > 0 : decision === 'wait'
}

export const lastAttempt = async (ctx: Reader, terminalId: TerminalId): Promise<PtyRecord | null> => {
  const terminal = await readRecord<TerminalRecord>(ctx, 'terminal', terminalId)
  return terminal?.lastPtyId == null ? null : readRecord<PtyRecord>(ctx, 'pty', terminal.lastPtyId)
}

/** Terminals of a lane that its supervisor had when it died. Of a lane that is ending, those whose process is not known to have ended. */
export const recoverTerminals = async (ctx: Reader, args: LaneArgs): Promise<readonly ChildSpec[]> => {
  const record = await readRecord<LaneRecord>(ctx, 'lane', args.laneId)
  if (record === null || record.summary !== null || record.snapshot.state === 'provisioning') return []
  const specs: ChildSpec[] = []
  for (const { command: name, id } of record.terminals ?? []) {
    const command = args.lane.commands.find((one) => one.name === name)
    const last = await lastAttempt(ctx, id)
    if (command === undefined || last === null || !goesOn(command, last)) continue
    if (last.endedAt === null || record.snapshot.state !== 'cleaning') specs.push(terminalSpec(args, record, command, id))
  }
  return specs
}

/** How far the commands of a lane had come whose actor died. `running`: its terminal may run, or else has ended since. */
export const knownCommands = async (ctx: Reader, args: LaneArgs, record: LaneRecord): Promise<readonly CommandProgress[]> => {
  const commands: CommandProgress[] = []
  for (const command of waiting(args, record)) {
    const last = await lastAttempt(ctx, command.terminalId)
    if (last === null) commands.push(command)
    else if (goesOn(command.spec, last)) commands.push({ ...command, phase: 'running', attempts: last.attempt })
    else commands.push({ ...command, ...settle(command, last.attempt, last.exit, { reason: 'killed' }, false) })
  }
  return commands
}
