/** Takes every descriptor, asks git something, gives them back, asks again. Prints what came of it as JSON. */
import { closeSync, openSync } from 'node:fs'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../../src/adapters/system/system-random.adapter.ts'
import { openWorkspace } from '../../../src/adapters/git/git-worktrees.adapter.ts'
import { toErrorRecord } from '../../../src/protocols/errors.ts'

const worktrees = await openWorkspace(process.argv[2] ?? '.', { clock: systemClock, random: systemRandom })
const taken: number[] = []
try {
  for (;;) taken.push(openSync('/dev/null', 'r'))
} catch {
  // none is left
}
const failures = await Promise.allSettled(Array.from({ length: 20 }, () => worktrees.list()))
for (const fd of taken) closeSync(fd)
const after = await worktrees.list()
const codes = failures.map((one) => (one.status === 'rejected' ? toErrorRecord(one.reason) : null))
process.stdout.write(
  JSON.stringify({ codes: [...new Set(codes.map((error) => error?.code))], message: codes[0]?.message, after: after.length }),
)
