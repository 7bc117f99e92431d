// Becomes an orchestrator whose control socket answers nothing: `node orchestrator-process.ts LOG`.
import { createServer } from 'node:net'
import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { closeInherited } from '../../../src/adapters/linux/close-inherited.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { isSignalboxError } from '../../../src/protocols/errors.ts'
import { runOrchestrator, type StartControl } from '../../../src/runtime/orchestrator.ts'
import { ANOTHER_RUNS } from '../../../src/runtime/service/background.ts'
import { fileLog } from '../../../src/runtime/service/service-log.ts'

closeInherited()
const log = process.argv[2] ?? ''
const fault = process.env['TEST_FAULT']

const startControl: StartControl = async ({ runtime, socketPath, stop, onStopped }) => {
  if (fault === 'control') throw new Error('the control server was told to fail')
  if (fault === 'plan') {
    const run = await runtime.start({ lanes: { a: { commands: [{ name: 'sleeps', run: 'sleep 1000' }] } } })
    for await (const event of run.events()) if (event.type === 'pty.spawned') break
  }
  await mkdir(dirname(socketPath), { recursive: true, mode: 0o700 })
  await rm(socketPath, { force: true })
  const server = createServer((socket) => socket.once('data', () => void stop(() => {}).then(() => (socket.end(), onStopped()))))
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  return { close: () => new Promise((resolve) => server.close(() => resolve())) }
}

try {
  await runOrchestrator({
    workspace: process.cwd(),
    env: process.env,
    version: '0.0.0',
    openLog: (maxBytes) => fileLog(systemClock, log, maxBytes),
    logPath: log,
    startControl,
  })
} catch (error) {
  const another = isSignalboxError(error, 'ERR_ORCHESTRATOR_RUNS')
  if (!another) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = another ? ANOTHER_RUNS : 1
}
