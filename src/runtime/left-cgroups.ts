import type { Clock } from '../ports/clock.port.ts'
import type { Cgroups } from '../ports/cgroups.port.ts'

/** Between the making of a group and the first process in it lies a start, which takes milliseconds. */
const YOUNG_MS = 60_000

/**
 * Removes control groups of terminals that no process is in: those that a killed process of ours left. Of every workspace, as
 * that of a repository which was deleted is never opened again: a group that is empty holds nothing, whosever it was.
 * @returns their marks
 */
export const removeLeftCgroups = async (cgroups: Cgroups, clock: Clock): Promise<readonly string[]> => {
  const left = (await cgroups.find('ws_')).filter(({ madeAt }) => clock.now() - madeAt > YOUNG_MS)
  return left.filter((group) => group.remove()).map(({ mark }) => mark)
}
