// Serve a folder (model.onnx, inputs.json, inputs) to a page in headless Chromium, and pass commands on.
//
//     node driver.mjs FOLDER THREADS [CHROMIUM]
//
// One JSON line out once the model is loaded; then, for each number of seconds in, one for a turn of runs.

import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import readline from "node:readline";
import { chromium } from "playwright-core";

const [folder, threads, executablePath = "/usr/bin/chromium"] = process.argv.slice(2);
const here = import.meta.dirname;
const ROOTS = { ort: path.join(here, "node_modules/onnxruntime-web/dist"), model: folder };
const TYPES = { ".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };
const ISOLATED = { // without these two, browsers give a page no shared memory, so no threads
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

const say = (record) => process.stdout.write(`${JSON.stringify(record)}\n`);

function fileOf(url) {
  const [root, name] = url.slice(1).split("/");
  return name ? path.join(ROOTS[root] ?? "", path.basename(name)) : path.join(here, "page.html");
}

function serve(request, response) {
  const file = fileOf(request.url);
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return response.writeHead(404, ISOLATED).end();
  const type = TYPES[path.extname(file)] ?? "application/octet-stream";
  response.writeHead(200, { ...ISOLATED, "Content-Type": type, "Content-Length": found.size });
  createReadStream(file).pipe(response);
}

async function converse(browser, port) {
  const page = await browser.newPage();
  await page.goto(`http://localhost:${port}/`);
  await page.waitForFunction(() => window.turn);
  const started = await page.evaluate((count) => window.start(count), Number(threads));
  say({ ...started, chromium: browser.version() });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    say(await page.evaluate((seconds) => window.turn(seconds), Number(line)));
  }
}

async function main() {
  const server = createServer(serve);
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  // Playwright makes a fresh profile folder, and removes it when the browser is closed
  const browser = await chromium.launch({ executablePath, headless: true, handleSIGTERM: false, args: FLAGS });
  process.on("SIGTERM", () => browser.close()); // whatever waits for the page then fails
  try {
    await converse(browser, server.address().port);
  } finally {
    await browser.close();
  }
}

await main().catch((error) => say({ error: error.message }));
process.exit();
