#!/usr/bin/env node
/** `prerank <verb>`: the offline jobs. The service is `npm start`. */
import { Command } from 'commander'
import { buildCommand } from './jobs/commands/build.ts'
import { countsCommand } from './jobs/commands/counts.ts'
import { doctorCommand } from './jobs/commands/doctor.ts'
import { evalCommand } from './jobs/commands/eval.ts'
import { inspectCommand } from './jobs/commands/inspect.ts'
import { itemsCommand } from './jobs/commands/items.ts'
import { keyCommand } from './jobs/commands/key.ts'
import { loadCommand } from './jobs/commands/load.ts'
import { sequencesCommand } from './jobs/commands/sequences.ts'
import { createRunner } from './jobs/run/runner.ts'

const USAGE_ERROR = 2
const NODE_MAJOR_MIN = 24

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `prerank: found Node ${process.versions.node}, expected ${NODE_MAJOR_MIN} or newer; "npx prerank" in the repository takes the one that is pinned there\n`,
  )
  process.exit(1)
}

const run = createRunner(process)
const program = new Command('prerank')
  .description(
    'From logs and catalogues to a serving bundle and a loaded store. Every verb explains itself with --help.',
  )
  .addCommand(buildCommand(run))
  .addCommand(itemsCommand(run))
  .addCommand(countsCommand(run))
  .addCommand(sequencesCommand(run))
  .addCommand(loadCommand(run))
  .addCommand(evalCommand(run))
  .addCommand(inspectCommand(run))
  .addCommand(doctorCommand(run))
  .addCommand(keyCommand(run))

for (const command of [program, ...program.commands, ...program.commands.flatMap((verb) => verb.commands)]) {
  command.showHelpAfterError('(--help says more)').exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : USAGE_ERROR)
  })
}
await program.parseAsync()
