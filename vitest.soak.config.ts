import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** For script/soak: the same tests with room to run for long. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['property-tests/**/*.prop.ts', 'test/soak/**/*.soak.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 3_600_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    allowOnly: false,
    passWithNoTests: false,
  },
})

export default config
