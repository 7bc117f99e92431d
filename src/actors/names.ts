import { type Named, named } from '../kernel/types.ts'
import type { SupervisorProtocol } from '../kernel/child-spec.ts'
import type { LaneId, RunId, TerminalId } from '../protocols/ids.ts'
import type { BusProtocol } from '../protocols/bus.protocol.ts'
import type { JournalProtocol } from '../protocols/journal.protocol.ts'
import type { RunProtocol } from '../protocols/run.protocol.ts'

/** Names under which actors find each other. */
export const JOURNAL: Named<JournalProtocol> = named('journal')
export const BUS: Named<BusProtocol> = named('bus')
export const LANES: Named<SupervisorProtocol> = named('lanes')
export const RUNS: Named<SupervisorProtocol> = named('runs')
export const runName = (id: RunId): string => `run:${id}`
export const runTreeName = (id: RunId): string => `run-tree:${id}`
export const namedRun = (id: RunId): Named<RunProtocol> => named(runName(id))
export const laneTreeName = (id: LaneId): string => `lane-tree:${id}`
export const laneName = (id: LaneId): string => `lane:${id}`
export const terminalsName = (id: LaneId): string => `terminals:${id}`
export const terminalTreeName = (id: TerminalId): string => `terminal:${id}`
export const ptyName = (id: TerminalId): string => `pty:${id}`
