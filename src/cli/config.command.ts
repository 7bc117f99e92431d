import { SignalboxError } from '../protocols/errors.ts'
import { nearest } from '../protocols/suggest.ts'
import type { Explained, Origin } from '../runtime/configuration.ts'
import { configurationOf } from './configuration-of.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'

export type ConfigOptions = { readonly json?: boolean; readonly set?: readonly string[] }

const originText = (origin: Origin): string => {
  switch (origin.kind) {
    case 'default':
      return 'default'
    case 'file':
      return `${origin.file}:${origin.line}`
    case 'environment':
      return `$${origin.name}`
    case 'flag':
      return origin.name
  }
}

const wanted = (all: readonly Explained[], key: string | undefined): readonly Explained[] => {
  if (key === undefined) return all
  const found = all.filter((setting) => setting.key === key || setting.key.startsWith(`${key}.`) || setting.env === key)
  if (found.length > 0) return found
  const meant = nearest(
    key,
    all.map((setting) => setting.key),
  )
  throw new SignalboxError('ERR_CONFIG_UNKNOWN_KEY', `no setting "${key}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`, {
    context: { key },
  })
}

/** `signalbox config explain [SETTING]`: each value, where it comes from and what it means. */
export const configExplainCommand = async (key: string | undefined, options: ConfigOptions, io: Io): Promise<number> => {
  const { explained, files } = await configurationOf(io, options.set)
  const shown = wanted(explained, key)
  if (options.json === true) {
    const settings = shown.map(({ key: name, value, origin, default: usual, env, about, reloads }) => ({
      key: name,
      value,
      origin,
      default: usual,
      env,
      about,
      reloads,
    }))
    printJson(io, { type: 'config', files, settings })
    return EXIT.ok
  }
  const paint = paintFor(io)
  printLines(
    io,
    shown.flatMap(({ key: name, value, origin, about, env, reloads }) => [
      `${paint('bold', name)} = ${JSON.stringify(value)}   ${paint(origin.kind === 'default' ? 'dim' : 'cyan', originText(origin))}`,
      `    ${about}`,
      paint('dim', `    ${env}${reloads ? '' : '; a running orchestrator takes it over when it is started again'}`),
    ]),
  )
  return EXIT.ok
}

/** `signalbox config path`: the files that are read, a later one wins. */
export const configPathCommand = async (options: ConfigOptions, io: Io): Promise<number> => {
  const { files } = await configurationOf(io)
  if (options.json === true) printJson(io, { type: 'config-path', files })
  else
    printLines(
      io,
      files.map(({ scope, path, found }) => `${scope.padEnd(10)} ${path}${found ? '' : '  (not there)'}`),
    )
  return EXIT.ok
}
