import type { Clock } from '../ports/clock.port.ts'
import type { Cgroups } from '../ports/cgroups.port.ts'

/** Between the making of a group and the first process in it lies a start, which takes milliseconds. */
const YOUNG_MS = 60_000

/**
 * Removes control groups of this workspace that no process is in: those that a killed process of ours left.
 * @returns their marks
 */
export const removeLeftCgroups = async (cgroups: Cgroups, workspaceId: string, clock: Clock): Promise<readonly string[]> => {
  const left = (await cgroups.find(`${workspaceId}/`)).filter(({ madeAt }) => clock.now() - madeAt > YOUNG_MS)
  return left.filter((group) => group.remove()).map(({ mark }) => mark)
}
