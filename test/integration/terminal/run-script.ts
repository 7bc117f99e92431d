import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export type ScriptResult = { readonly code: number | null; readonly signal: string | null; readonly output: string }

/**
 * Runs a script of `fixtures/` in a Node process of its own, its arguments behind `prefix`, such as
 * `['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh']`. Killed when it has not ended after `limitMs`.
 */
export async function runScript(
  name: string,
  args: readonly string[] = [],
  prefix: readonly string[] = [],
  limitMs = 45_000,
): Promise<ScriptResult> {
  const script = fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
  const [program = '', ...rest] = [...prefix, process.execPath, script, ...args]
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(limit)
      resolve({ code, signal, output })
    })
  })
}

/** The last line of the output, which a fixture prints as JSON. */
export function lastLine(result: ScriptResult): unknown {
  const line = result.output.trimEnd().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(line)
  } catch {
    throw new Error(`the script printed no JSON at its end:\n${result.output}`)
  }
}
