import type { DoctorFinding } from '../../protocols/doctor.ts'
import { livingOwner, goes, left, runsHere, type Scene } from './scene.ts'

/** Control groups that a killed process left. Looked at after the processes in them were ended. */
export const sweepCgroups = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const { cgroups, workspaceId } = scene.env
  const groups = await cgroups.find(`${workspaceId}/`)
  if (groups.length === 0) return []
  const owner = await livingOwner(scene)
  return groups.map((group) => {
    const what = `control group ${group.directories.join(', ')}`
    if (owner !== null) return left('cgroup', what, `${runsHere(owner)}, which removes it with its terminal`)
    const { length } = group.pids()
    if (length > 0) return left('cgroup', what, `${length} ${length === 1 ? 'process is' : 'processes are'} in it`)
    if (scene.fix && !group.remove()) return left('cgroup', what, 'the system does not let it go')
    return goes(scene, 'cgroup', what, 'no process is in it, and nothing runs lanes of this repository')
  })
}
