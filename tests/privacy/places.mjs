// Where bytes of a Footfall can be at rest: its data folder, the working folders of its processes,
// files that they hold open though they are deleted, core files, and whatever is new in the folders
// for temporary files. Gives paths; knows nothing of what is searched for.

import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';

export const TEMPORARY = ['/tmp', '/var/tmp', '/dev/shm'];
const CORES = ['/var/crash', '/var/lib/systemd/coredump', '/cores'];
const DEPTH_MAX = 6;
const FILE_BYTES_MAX = 1 << 28;

const orNothing = (look, nothing) => {
  try {
    return look();
  } catch {
    return nothing; // it has gone meanwhile, or is not ours to read
  }
};

/** All files below a folder but below those in `leaveOut`. */
function* walk(folder, leaveOut = [], depth = 0) {
  if (depth > DEPTH_MAX) return;
  for (const entry of orNothing(() => readdirSync(folder, { withFileTypes: true }), [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !leaveOut.includes(path)) yield* walk(path, leaveOut, depth + 1);
    else if (entry.isFile()) yield path;
  }
}

function* newIn(folder, since, leaveOut) {
  for (const path of walk(folder, leaveOut)) {
    const about = orNothing(() => statSync(path), null);
    if (about && Math.max(about.mtimeMs, about.ctimeMs) >= since && about.size <= FILE_BYTES_MAX) yield path;
  }
}

/** Files that a process holds open and that have no name any more; the kernel shows them to root alone. */
function* namelessOf(pid) {
  for (const fd of orNothing(() => readdirSync(`/proc/${pid}/fd`), [])) {
    const path = `/proc/${pid}/fd/${fd}`;
    const target = orNothing(() => readlinkSync(path), '');
    if (target.endsWith(' (deleted)') && orNothing(() => statSync(path).isFile(), false)) yield path;
  }
}

/** The place of a file in the data folder: by the first folder, and Redis's two kinds of files apart. */
function placeInData(data, path) {
  if (/\.base\.rdb$/.test(path)) return 'snapshot of Redis';
  if (/\.incr\.aof$/.test(path)) return 'journal of Redis';
  const folder = dirname(relative(data, path));
  if (/\.secret$/.test(path)) return 'secrets';
  return folder === '.' ? 'data folder' : `data folder: ${folder}`;
}

/**
 * [place, path] of every file to search. `working` is a folder that is all ours, `pids` may have
 * ended, `since` is in milliseconds.
 */
export function* filesAtRest({ data, working, pids, since }) {
  for (const path of walk(data)) yield [placeInData(data, path), path];
  const isCore = (path) => /^core(\.|$)/.test(basename(path));
  for (const path of walk(working)) yield [isCore(path) ? 'core file' : 'working folder', path];
  for (const folder of TEMPORARY) for (const path of newIn(folder, since, [data, working])) yield [folder, path];
  const pattern = orNothing(() => readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim(), 'core');
  const cores = isAbsolute(pattern) ? [...CORES, dirname(pattern)] : CORES;
  for (const folder of new Set(cores)) for (const path of newIn(folder, since, TEMPORARY)) yield ['core file', path];
  const folders = new Set(pids.map((pid) => orNothing(() => readlinkSync(`/proc/${pid}/cwd`), '')).filter(Boolean));
  for (const folder of folders) {
    const isSearched = [data, working, ...TEMPORARY].some((each) => folder === each || folder.startsWith(`${each}/`));
    if (!isSearched) for (const path of newIn(folder, since, [])) yield ['working folder', path];
  }
  for (const pid of pids) for (const path of namelessOf(pid)) yield ['deleted file', path];
}
