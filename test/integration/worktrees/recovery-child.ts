// Saves or brings back a worktree in a process of its own, which dies where its git says: `node recovery-child.ts TASK`.
import { openRecovery } from '../../../src/adapters/git/git-recovery.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../../src/adapters/system/system-random.adapter.ts'
import type { SaveSpec } from '../../../src/ports/recovery.port.ts'
import { openRepo } from './open-repo.ts'

const { root, spec, act } = JSON.parse(process.argv[2] ?? '') as { root: string; spec: SaveSpec; act: 'put-away' | 'restore' }
const { workspace } = await openRepo(root, process.env)
const recovery = openRecovery(workspace, { clock: systemClock, random: systemRandom })
if (act === 'put-away') await recovery.putAway(spec)
else await recovery.restore(spec.id)
