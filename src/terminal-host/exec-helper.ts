import { accessSync, constants } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SignalboxError } from '../protocols/errors.ts'

/**
 * Where the exec helper of this installation lies, built or not. The same from `src/` and from `dist/`: both have the
 * package's root two levels up.
 */
export const execHelperPath = (): string => fileURLToPath(new URL('../../native/build/exec-helper', import.meta.url))

/**
 * @returns the path of the exec helper, which is there and can be executed.
 * @throws ERR_EXEC_HELPER_MISSING
 */
export function locateExecHelper(path: string = execHelperPath()): string {
  try {
    accessSync(path, constants.X_OK)
    return path
  } catch (cause) {
    throw new SignalboxError(
      'ERR_EXEC_HELPER_MISSING',
      `The exec helper is not at ${path}. Run \`signalbox doctor --fix\`, or \`node native/build.mjs\` in the package, with a C compiler on the PATH.`,
      { context: { path }, cause },
    )
  }
}
