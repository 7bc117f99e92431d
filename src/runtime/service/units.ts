import { homedir } from 'node:os'
import { join } from 'node:path'
import { SignalboxError } from '../../protocols/errors.ts'
import type { WorkspaceId } from '../../protocols/ids.ts'

/** What starts the orchestrator of a repository with the session of a user. */
export type Unit = {
  /** Absolute. */
  readonly path: string
  readonly text: string
  /** To be run after it was written, and before it is removed. */
  readonly enable: readonly (readonly string[])[]
  readonly disable: readonly (readonly string[])[]
}

export type UnitInput = {
  readonly workspaceId: WorkspaceId
  readonly root: string
  /** The program and its arguments; the first is absolute. */
  readonly argv: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** Variables that a session manager does not hand on and that change what the orchestrator finds. */
const KEPT = ['PATH', 'XDG_STATE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME'] as const

const kept = (env: NodeJS.ProcessEnv): readonly (readonly [string, string])[] =>
  KEPT.flatMap((name) => {
    const value = env[name]
    return value === undefined || value === '' || control.test(value) || (name !== 'PATH' && !value.startsWith('/'))
      ? []
      : [[name, value] as const]
  })

const control = /[\u0000-\u001f\u007f]/u

/** Neither format can hold such a path, and quietly another one would be used. @throws ERR_SERVICE_FAILED */
const check = ({ root, argv }: UnitInput): void => {
  const odd = [root, ...argv].find((text) => control.test(text) || text !== text.trim())
  if (odd === undefined) return
  throw new SignalboxError('ERR_SERVICE_FAILED', `${JSON.stringify(odd)} cannot stand in a service file; rename it`, {
    context: { path: odd },
  })
}

/** A word of a command line or assignment. Source: systemd.syntax(7), "Quoting"; systemd.unit(5), "Specifiers"; systemd.service(5): `$$` */
const systemdWord = (text: string): string => {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')
  return `"${escaped}"`
}

const commandWord = (text: string): string => systemdWord(text).replaceAll('$', '$$$$')

/** A value that takes the rest of its line as it is: only specifiers mean something. */
const plainValue = (text: string): string => text.replaceAll('%', '%%')

/** Through a shell, because systemd takes no program whose name has quotes or the like. */
const SHELL = ['/bin/sh', '-c', 'exec "$0" "$@"']

const systemdText = ({ root, argv, env }: UnitInput): string => `# Written by signalbox service install.
[Unit]
Description=signalbox orchestrator of ${plainValue(root)}

[Service]
Type=simple
WorkingDirectory=${plainValue(root)}
ExecStart=${[...SHELL, ...argv].map(commandWord).join(' ')}
${kept(env)
  .map(([name, value]) => `Environment=${systemdWord(`${name}=${value}`)}\n`)
  .join('')}# Terminals may outlive the orchestrator: systemd is to end it alone, not all that it started.
KillMode=process
# Limits of terminals need the controllers of this unit's control group.
Delegate=yes
TimeoutStopSec=120
Restart=on-failure
RestartSec=5

[Install]
WantedBy=default.target
`

/** A systemd unit of the user. */
export const systemdUnit = (input: UnitInput): Unit => {
  check(input)
  const { XDG_CONFIG_HOME: config } = input.env
  const base = config !== undefined && config.startsWith('/') ? config : join(input.env['HOME'] ?? homedir(), '.config')
  const name = `signalbox-${input.workspaceId.toLowerCase()}.service`
  return {
    path: join(base, 'systemd', 'user', name),
    text: systemdText(input),
    enable: [
      ['systemctl', '--user', 'daemon-reload'],
      ['systemctl', '--user', 'enable', '--now', name],
    ],
    disable: [
      ['systemctl', '--user', 'disable', '--now', name],
      ['systemctl', '--user', 'daemon-reload'],
    ],
  }
}

const xml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const string = (text: string): string => `<string>${xml(text)}</string>`

/** A launchd agent of the user. Source: launchd.plist(5) */
export const launchdAgent = (input: UnitInput): Unit => {
  check(input)
  const { workspaceId, root, argv, env } = input
  const label = `signalbox.${workspaceId.toLowerCase()}`
  const path = join(env['HOME'] ?? homedir(), 'Library', 'LaunchAgents', `${label}.plist`)
  const variables = kept(env).map(([name, value]) => `    <key>${name}</key>${string(value)}\n`)
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by signalbox service install. -->
<plist version="1.0">
<dict>
  <key>Label</key>${string(label)}
  <key>ProgramArguments</key>
  <array>
${argv.map((word) => `    ${string(word)}\n`).join('')}  </array>
  <key>WorkingDirectory</key>${string(root)}
  <key>EnvironmentVariables</key>
  <dict>
${variables.join('')}  </dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <!-- Terminals may outlive the orchestrator. -->
  <key>AbandonProcessGroup</key><true/>
  <key>ExitTimeOut</key><integer>120</integer>
</dict>
</plist>
`
  const domain = `gui/${process.getuid?.() ?? 0}`
  return {
    path,
    text,
    enable: [['launchctl', 'bootstrap', domain, path]],
    disable: [['launchctl', 'bootout', `${domain}/${label}`]],
  }
}
