import type { Pty } from '../ports/terminal-host.port.ts'
import type { PtyId } from '../protocols/ids.ts'
import type { LaneRecord, TerminalRecord } from '../protocols/records.ts'
import { readRecord } from './journal.ts'
import type { Services } from './services.ts'

/** The process that an actor left when it died, also one that was still being started, or has ended since. */
export const leftRunning = (
  { unrecorded, terminals }: Pick<Services, 'unrecorded' | 'terminals'>,
  ptyId: PtyId,
): Promise<Pty | undefined> => unrecorded.get(ptyId)?.catch(() => undefined) ?? Promise.resolve(terminals.get(ptyId))

/** Ends a process that nobody supervises any more. */
export const endLeftRunning = async (
  services: Pick<Services, 'unrecorded' | 'terminals' | 'output'>,
  ptyId: PtyId,
  askedBy: string,
): Promise<void> => {
  const pty = await leftRunning(services, ptyId)
  await pty?.terminate({ graceMs: 0, askedBy })
  if (pty !== undefined) services.output.end(pty)
  pty?.release()
  services.unrecorded.delete(ptyId)
}

/** Ends what a lane left whose tree was given up. */
export const endLane = async (ctx: Parameters<typeof readRecord>[0], services: Services, lane: LaneRecord): Promise<void> => {
  for (const { id } of lane.terminals ?? []) {
    const terminal = await readRecord<TerminalRecord>(ctx, 'terminal', id)
    if (terminal?.lastPtyId != null) await endLeftRunning(services, terminal.lastPtyId, 'the tree of its lane was given up')
  }
}
