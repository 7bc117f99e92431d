// Runs a plan in a process of its own and dies where it is told to: `node crash-child.ts TASK`, TASK a CrashTask as JSON.
import { writeSync } from 'node:fs'
import { composeRuntime } from '../../src/runtime/runtime.ts'
import { crashAt, type CrashTask } from './crash-point.ts'

const { workspace, stateHome, plan, point } = JSON.parse(process.argv[2] ?? '') as CrashTask
await using runtime = await composeRuntime({ workspace, stateHome }, point === null ? {} : crashAt(point))
const summary = await runtime.run(plan)
writeSync(1, `${JSON.stringify({ finished: summary })}\n`)
