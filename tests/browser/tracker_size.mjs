// The tracker's size as it travels: `node tracker_size.mjs FOOTFALL_JS_GZ`.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const BYTES_MAX = 1000;

const bytes = readFileSync(process.argv[2]);
const plain = gunzipSync(bytes).length;
console.log(`footfall.js: ${bytes.length} bytes gzipped of ${BYTES_MAX}, ${plain} plain`);
process.exit(bytes.length <= BYTES_MAX ? 0 : 1);
