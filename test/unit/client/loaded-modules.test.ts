import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')

const LOADER = `
import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) { console.log(url); return next(url, context) } })
await import(process.argv[1])
`

/** What node loads for a module, without what is built in. */
const loadedBy = async (file: string): Promise<string[]> => {
  const entry = pathToFileURL(join(ROOT, file)).href
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', LOADER, entry])
  return stdout
    .split('\n')
    .filter((url) => url.startsWith('file:'))
    .map((url) => url.slice(pathToFileURL(ROOT).href.length + 1))
}

describe('signalbox/client', () => {
  it('loads no package and little of ours, so that a command starts fast', async () => {
    const loaded = await loadedBy('src/client/index.ts')
    expect(loaded.sort()).toEqual([
      'src/adapters/system/reachable-socket.ts',
      'src/adapters/system/system-clock.adapter.ts',
      'src/client/attachment.ts',
      'src/client/client.ts',
      'src/client/index.ts',
      'src/client/wire.ts',
      'src/protocols/control/envelope.ts',
      'src/protocols/control/frames.ts',
      'src/protocols/control/limits.ts',
      'src/protocols/control/line-decoder.ts',
      'src/protocols/control/methods.ts',
      'src/protocols/copy-of.ts',
      'src/protocols/error-catalogue.ts',
      'src/protocols/errors.ts',
    ])
  })
})
