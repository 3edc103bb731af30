// `npm run study`: learning curves as evidence, over HTTP alone. What it does stands in study/options.ts (USAGE).
import { type Options, readOptions, USAGE, UsageError } from './study/options.ts';
import { measureRobustness } from './study/robustness.ts';
import { runStudies } from './study/run-studies.ts';
import { verify } from './study/verify.ts';
import { writeReport } from './study/write-report.ts';

const argv = process.argv.slice(2);
if (argv.includes('--help')) {
  process.stdout.write(USAGE);
} else {
  try {
    process.exitCode = await run(readOptions(argv));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof UsageError ? 64 : 1;
  }
}

async function run(options: Options): Promise<number> {
  switch (options.mode) {
    case 'run':
      return await runStudies(options, {
        command: ['npm run study --', ...argv.map(quoted)].join(' '),
        report: () => writeReport(options.out),
      });
    case 'report':
      process.stdout.write(`${(await writeReport(options.out)).join('\n')}\n`);
      return 0;
    case 'verify':
      return await verify(options);
    case 'robustness': {
      if (options.subject === null)
        throw new UsageError('Say whose robustness: a group of units, such as HalfCheetah-v5/sac-v2.');
      const code = await measureRobustness({ ...options, group: options.subject });
      await writeReport(options.out);
      return code;
    }
    default:
      throw new TypeError(`There is no mode ${options.mode satisfies never}.`);
  }
}

function quoted(word: string): string {
  return /^[\w./=:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
