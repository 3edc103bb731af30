// src/math/normals.wat, assembled, as a TypeScript module: `npm run generate` writes it, `npm run lint` holds it to its source.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const source = fileURLToPath(new URL('../src/math/normals.wat', import.meta.url));
const { parseWat } = await wabt();
const module = parseWat('normals.wat', readFileSync(source, 'utf8'));
const { buffer } = module.toBinary({});
const text = Buffer.from(buffer).toString('base64');
writeFileSync(
  source.replace(/\.wat$/, '.gen.ts'),
  `// Made from normals.wat by \`npm run generate\`.\nexport const NORMALS_WASM =\n  '${text}';\n`,
);
module.destroy();
