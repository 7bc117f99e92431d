/** Runs a plan in a process of its own: `node run-process.ts WORKSPACE STATE_HOME PLAN_JSON`; the summary, or the error, is its last line. */
import { isSignalboxError, startRuntime } from '../../../src/index.ts'

const [workspace = '', stateHome = '', plan = '{}'] = process.argv.slice(2)
const print = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`)
try {
  await using runtime = await startRuntime({ workspace, stateHome })
  print({ workspaceId: runtime.workspaceId })
  print(await runtime.run(JSON.parse(plan)))
} catch (error) {
  print({ error: isSignalboxError(error) ? error.code : 'ERR_UNKNOWN', message: error instanceof Error ? error.message : String(error) })
}
