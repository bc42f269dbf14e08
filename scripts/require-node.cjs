'use strict';
// Plain CommonJS, so that a Node too old for this project can still read it and say what to do.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(
    `cxone-enricher needs Node 24.15 or newer and this is ${process.versions.node}: run it through npm after "npm ci" (npm puts the bundled Node first), or use node_modules/.bin/node.`,
  );
  process.exit(1);
}
const [script, ...rest] = process.argv.slice(2);
if (script !== undefined) {
  const { enableCompileCache, runMain } = require('node:module');
  // Stripped and compiled sources are kept between starts, also for worker threads: a start takes half the time.
  process.env.NODE_COMPILE_CACHE ??= enableCompileCache().directory;
  process.argv.splice(1, process.argv.length - 1, require('node:path').resolve(script), ...rest);
  // Not import(): the script is to find itself the main one (import.meta.main).
  runMain();
}
