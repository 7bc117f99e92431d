import { join } from 'node:path'
import type { ActorContext } from '../kernel/types.ts'
import { laneMachine } from '../protocols/lane.machine.ts'
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
  provisioning: new AbortController(),
  provisioned: false,
  adding: false,
  cleaningAttempts: 0,
  startedMonotonic,
})

/**
 * How far the commands of a lane had come whose actor crashed. Their terminals were stopped with it; a process that was
 * left without one is ended here.
 */
export const knownCommands = async (
  ctx: Pick<ActorContext<object>, 'ask'>,
  args: LaneArgs,
  record: LaneRecord,
): Promise<readonly CommandProgress[]> => {
  const commands: CommandProgress[] = []
  for (const command of waiting(args, record)) {
    const terminal = await readRecord<TerminalRecord>(ctx, 'terminal', command.terminalId)
    if (terminal?.lastPtyId == null) {
      commands.push(command)
      continue
    }
    await args.services.terminals.get(terminal.lastPtyId)?.terminate({ graceMs: 0, askedBy: 'the actor of its lane crashed' })
    const last = (await readRecord<PtyRecord>(ctx, 'pty', terminal.lastPtyId))?.exit ?? null
    const wasOver = last !== null && (last.exitCode === 0 || command.spec.restart === 'temporary')
    commands.push({ ...command, ...settle(command, terminal.attempts, last, { reason: 'shutdown' }, !wasOver) })
  }
  return commands
}
