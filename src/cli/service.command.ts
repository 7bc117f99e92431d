import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SignalboxError } from '../protocols/errors.ts'
import { openEnvironment } from '../runtime/environment.ts'
import { ORCHESTRATOR_NODE_ARGS } from '../runtime/service/background.ts'
import { launchdAgent, systemdUnit, type Unit } from '../runtime/service/units.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, printJson, printLines } from './io.ts'

export type ServiceOptions = { readonly dryRun?: boolean; readonly manager?: 'systemd' | 'launchd'; readonly json?: boolean }

const run = promisify(execFile)

const carryOut = async (commands: Unit['enable'], env: NodeJS.ProcessEnv): Promise<void> => {
  for (const [program = '', ...args] of commands) {
    await run(program, args, { env }).catch((cause: unknown) => {
      const { stderr, message } = cause as { stderr?: string; message: string }
      const said = stderr === undefined || stderr.trim() === '' ? message : stderr.trim()
      throw new SignalboxError('ERR_SERVICE_FAILED', `${[program, ...args].join(' ')}: ${said}`, { cause, context: { program, args } })
    })
  }
}

const write = async ({ path, text }: Unit): Promise<void> => {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  } catch (cause) {
    throw new SignalboxError('ERR_SERVICE_FAILED', `${path} cannot be written: ${(cause as Error).message}`, { cause, context: { path } })
  }
}

/** `signalbox service install|uninstall`. */
export const serviceCommand = async (what: 'install' | 'uninstall', options: ServiceOptions, io: Io): Promise<number> => {
  const { manager = process.platform === 'darwin' ? 'launchd' : 'systemd', dryRun = false, json = false } = options
  const { worktrees, workspaceId } = await openEnvironment({ workspace: io.cwd })
  const program = fileURLToPath(new URL('../../bin/signalbox.js', import.meta.url))
  const input = {
    workspaceId,
    root: worktrees.workspace.root,
    argv: [process.execPath, ...ORCHESTRATOR_NODE_ARGS, program, 'up', '--foreground'],
    env: io.env,
  }
  const unit = manager === 'launchd' ? launchdAgent(input) : systemdUnit(input)
  const commands = what === 'install' ? unit.enable : unit.disable
  if (!dryRun && what === 'install') {
    await write(unit)
    await carryOut(commands, io.env)
  }
  if (!dryRun && what === 'uninstall') {
    await carryOut(commands.slice(0, 1), io.env)
    await rm(unit.path, { force: true })
    await carryOut(commands.slice(1), io.env)
  }
  const { path, text } = unit
  if (json) printJson(io, { type: 'service', done: !dryRun, path, text: what === 'install' ? text : null, commands })
  else if (dryRun) {
    const file = what === 'install' ? [`# ${path}`, text] : [`# removes ${path}`]
    printLines(io, [...file, ...commands.map((command) => `$ ${command.join(' ')}`)])
  } else printLines(io, [what === 'install' ? `installed: ${path}` : `removed: ${path}`])
  return EXIT.ok
}
