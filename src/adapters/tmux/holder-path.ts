import { accessSync, constants } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SignalboxError } from '../../protocols/errors.ts'

/**
 * Where the program that holds a pane lies. The same from `src/` and from `dist/`: both have the package's root three
 * levels up.
 * @throws ERR_EXEC_HELPER_MISSING
 */
export function locatePaneHolder(path: string = fileURLToPath(new URL('../../../native/build/pane-holder', import.meta.url))): string {
  try {
    accessSync(path, constants.X_OK)
    return path
  } catch (cause) {
    throw new SignalboxError(
      'ERR_EXEC_HELPER_MISSING',
      `The holder of panes is not at ${path}. Run \`signalbox doctor --fix\`, or \`node native/build.mjs\` in the package, with a C compiler on the PATH.`,
      { context: { path }, cause },
    )
  }
}
