import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Samples } from './harness.ts'

/** Erlang/OTP doing the same work, in a process of its own that answers one round after another. */
export type Erlang = { readonly round: (name: string) => Promise<Samples>; readonly close: () => void }

/** @returns null where escript is not installed (script/setup --tools installs erlang-base) */
export const startErlang = (): Erlang | null => {
  if (spawnSync('escript', [], { stdio: 'ignore' }).error !== undefined) {
    console.error('bench: nothing is compared with Erlang, as there is no escript on the PATH; script/setup --tools installs it')
    return null
  }
  const child = spawn('escript', [join(import.meta.dirname, 'erlang/kernel.escript')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    round: async (name) => {
      child.stdin.write(`${name}\n`)
      const line = await lines.next()
      if (line.done === true) throw new Error(`Erlang ended during "${name}"`)
      return line.value.split(' ').map(Number)
    },
    close: () => child.stdin.end(),
  }
}
