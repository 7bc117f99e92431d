import { type HostProcessOptions, runTerminalHost } from './host-process.ts'

// The program of a terminal host: its options as JSON are its one argument.
await runTerminalHost(JSON.parse(process.argv[2] ?? '{}') as HostProcessOptions)
process.exit()
