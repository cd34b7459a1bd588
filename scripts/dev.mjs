/**
 * `npm run dev`: compiles src and starts the server, anew after every change, and tells what is wrong with the types
 * meanwhile. The compiler's own watch would miss what is saved before it watches, and end later than it is told to.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, watch } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

/** Editors and checkouts write more than once. */
const settleMs = 100;

// the program itself: the script in front of it does not pass signals on
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
const { default: compilerPath } = await import(pathToFileURL(join(typescript, 'lib', 'getExePath.js')).href);

let isStopping = false;
let isChanged = false;
let wake = () => {};
let watchers = [];
let check;
let server;

/** Watches every folder of src as it is now; those that were watched until now, until then. */
function watchSources() {
  const entries = readdirSync('src', { recursive: true, withFileTypes: true });
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name));
  const former = watchers;
  watchers = ['src', ...folders].map((folder) => watch(folder, noteChange).on('error', noteChange));
  for (const watcher of former) watcher.close();
}

function noteChange() {
  isChanged = true;
  // it writes nothing, and would take its time over a signal that can be handled
  check?.kill('SIGKILL');
  wake();
}

const compile = (option) => spawn(compilerPath(), [option], { stdio: 'inherit' });

/** Whether there is a program to run. What is wrong with the types does not keep it from that. */
async function build() {
  const [code] = await once(compile('--noCheck'), 'exit');
  return code === 0;
}

async function checkTypes() {
  check = compile('--noEmit');
  await once(check, 'exit');
  check = undefined;
}

async function restart() {
  await stopServer('SIGTERM');
  if (!isStopping) server = spawn(process.execPath, [join('dist', 'main.js')], { stdio: 'inherit' });
}

async function stopServer(signal) {
  if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill(signal);
  await exited;
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    isStopping = true;
    noteChange();
    void stopServer(signal);
  });
}

while (!isStopping) {
  isChanged = false;
  watchSources();
  if ((await build()) && !isChanged) await restart();
  if (!isChanged) await checkTypes();
  if (!isChanged)
    await new Promise((resolve) => {
      wake = resolve;
    });
  if (!isStopping) await delay(settleMs);
}
await stopServer('SIGTERM');
process.exit();
