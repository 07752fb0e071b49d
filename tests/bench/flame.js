/**
 * Draws a profile of `node --cpu-prof` as a flame graph: who called whom from the bottom up, as wide as it took.
 *
 *     node tests/bench/flame.js FILE.cpuprofile TITLE > flame.svg
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const WIDTH = 1200; // pixels
const HEIGHT = 15; // of one frame
const LEAST = 0.002; // part of the whole; what is narrower is left out
const LETTER = 6.2;

const [file, title] = process.argv.slice(2);
const profile = JSON.parse(readFileSync(file, "utf8"));
const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
const own = new Map();
profile.samples.forEach((id, at) => own.set(id, (own.get(id) ?? 0) + profile.timeDeltas[at]));

/** A frame with the frames that it called, those of one function joined. */
function frame(name, kind, found) {
  const children = new Map();
  let time = 0;
  for (const node of found) {
    time += own.get(node.id) ?? 0;
    for (const child of (node.children ?? []).map((id) => nodes.get(id))) {
      const called = label(child);
      if (called === "(idle)") continue;
      children.set(called, [...(children.get(called) ?? []), child]);
    }
  }
  const frames = [...children].map(([called, all]) => frame(called, kindOf(all[0]), all));
  frames.sort((a, b) => b.time - a.time);
  for (const child of frames) time += child.time;
  return { name, kind, time, frames };
}

function label({ callFrame: { functionName, url } }) {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  const [, ours] = /\/packages\/([a-z]+)\//.exec(url) ?? [];
  return `${name} ${url.startsWith("node:") ? url : (ours ?? basename(url))}`;
}

function kindOf({ callFrame: { url } }) {
  if (url === "") return "#c9c9c9"; // native, and the collector
  if (url.startsWith("node:")) return "#a8cf8e";
  return url.includes("node_modules") ? "#8fb8de" : "#f2b56b";
}

const root = frame(title, "#e3e3e3", [profile.nodes[0]]);
const shapes = [];
let depth = 0;
draw(root, 0, 0);

function draw(each, x, level) {
  const width = (each.time / root.time) * WIDTH;
  if (each.time < LEAST * root.time) return;
  depth = Math.max(depth, level + 1);
  shapes.push({ ...each, x, width, level });
  let at = x;
  for (const child of each.frames) {
    draw(child, at, level + 1);
    at += (child.time / root.time) * WIDTH;
  }
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const lines = shapes.map(({ name, kind, time, x, width, level }) => {
  const y = (depth - 1 - level) * HEIGHT;
  const fits = Math.floor(width / LETTER) - 1;
  const text = fits < 4 ? "" : `<text x="${(x + 2).toFixed(1)}" y="${y + 11}">${escaped(name.slice(0, fits))}</text>`;
  const share = ((100 * time) / root.time).toFixed(1);
  const box = `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${HEIGHT - 1}" fill="${kind}"/>`;
  return `<g><title>${escaped(name)}: ${share} %</title>${box}${text}</g>`;
});
const size = `width="${WIDTH}" height="${depth * HEIGHT}" viewBox="0 0 ${WIDTH} ${depth * HEIGHT}"`;
console.log(`<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="monospace" font-size="10">`);
console.log([...lines, "</svg>"].join("\n"));
