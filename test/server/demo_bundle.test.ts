/** The committed demo bundle, as `npm start` serves it: each tower gives the trainer's scores on this processor. */
import { test } from 'node:test'
import { pino } from 'pino'
import { readConfig } from '../../src/config.ts'
import { startService } from '../../src/server.ts'

for (const TOWER_PRECISION of ['float32', 'int8']) {
  test(`the demo bundle’s ${TOWER_PRECISION} tower is verified`, async () => {
    const config = readConfig({ HOST: '127.0.0.1', PORT: '0', SHUTDOWN_DELAY_MS: '0', TOWER_PRECISION })
    const service = await startService({ config, logger: pino({ level: 'silent' }) })
    // Rejects where a golden request's scores are beyond the manifest's tolerance.
    await service.ready.finally(() => service.stop())
  })
}
