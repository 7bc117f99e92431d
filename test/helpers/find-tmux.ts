import { spawnSync } from 'node:child_process'

/** Whether there is a tmux; else why there is nothing to test, for a title. */
export const findTmux = (): { readonly noTmux: string } => ({
  noTmux: spawnSync('tmux', ['-V']).status === 0 ? '' : ' (skipped: there is no tmux on the PATH; script/setup --tools installs it)',
})
