// The picture of a scenario: what the NIC sent over time, one panel a tool, the line it should stay on, and the
// others' traffic shaded. SVG by hand; a PNG where something that can draw one is installed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onPath } from './link-testbed.ts';
import type { BenchResult, ScenarioResult } from './report.ts';

const WIDTH = 960;
const LEFT = 56;
const RIGHT = 24;
const TOP = 76;
const PANEL = 150;
const GAP = 58;
const BOTTOM = 34;
/** Highest load drawn: a shaper lets a little more than 100 % through after a pause. */
const MOST_PERCENT = 110;
const POINT_SECONDS = 0.1;

const TOTAL = '#14598c';
const OTHERS = '#f0a050';
const TARGET = '#c0392b';
const INK = '#222';
const FAINT = '#d9d9d9';

interface Panel {
  readonly title: string;
  readonly total: readonly number[];
  readonly cross: readonly number[];
}

/** Undefined when no tool was measured. */
export function scenarioSvg(result: BenchResult, scenario: ScenarioResult): string | undefined {
  const panels = result.tools.flatMap(({ name, version }): Panel[] => {
    const outcome = scenario.outcomes[name];
    return outcome === undefined || 'absent' in outcome ? [] : [{ title: version, ...outcome }];
  });
  if (panels.length === 0) return undefined;
  const seconds = Math.max(...panels.map(({ total }) => total.length)) * POINT_SECONDS;
  const height = TOP + panels.length * (PANEL + GAP) - GAP + BOTTOM;
  const hasOthers = panels.some(({ cross }) => Math.max(0, ...cross) > 1);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="12" fill="${INK}">`,
    `<title>${text(scenario.title)} on a ${result.capacityMbitPerSec} Mbit/s link</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="26" font-size="17" font-weight="bold">${text(scenario.title)} on a ${result.capacityMbitPerSec} Mbit/s link</text>`,
    legend(hasOthers),
    ...panels.map((panel, n) => panelSvg(panel, TOP + n * (PANEL + GAP), seconds)),
    '</svg>',
    '',
  ].join('\n');
}

function legend(hasOthers: boolean): string {
  const others = hasOthers
    ? `<rect x="452" y="36" width="22" height="11" fill="${OTHERS}" opacity="0.6"/><text x="480" y="46">of it, others</text>`
    : '';
  return [
    `<path d="M${LEFT} 42h22" stroke="${TOTAL}" stroke-width="2"/>`,
    `<text x="${LEFT + 28}" y="46">all the card sends, % of capacity</text>`,
    `<path d="M316 42h22" stroke="${TARGET}" stroke-dasharray="5 3" stroke-width="1.5"/><text x="344" y="46">half the link</text>`,
    others,
  ].join('');
}

function panelSvg({ title, total, cross }: Panel, top: number, seconds: number): string {
  const x = (second: number) => LEFT + (second / seconds) * (WIDTH - LEFT - RIGHT);
  const y = (percent: number) =>
    top + PANEL * (1 - Math.min(MOST_PERCENT, Math.max(0, percent)) / MOST_PERCENT);
  const points = (values: readonly number[]) =>
    values.map((value, n) => `${x((n + 0.5) * POINT_SECONDS).toFixed(1)},${y(value).toFixed(1)}`);
  const mean = total.reduce((sum, value) => sum + value, 0) / total.length;
  const grid = [0, 25, 50, 75, 100].map(
    (percent) =>
      `<path d="M${LEFT} ${y(percent)}H${WIDTH - RIGHT}" stroke="${FAINT}"/><text x="${LEFT - 8}" y="${y(percent) + 4}" text-anchor="end" font-size="11">${percent} %</text>`,
  );
  const step = seconds > 20 ? 5 : 2;
  const marks = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, n) => n * step).map(
    (second) =>
      `<text x="${x(second)}" y="${top + PANEL + 16}" text-anchor="middle" font-size="11">${second} s</text>`,
  );
  const shade = [`${x(0)},${y(0)}`, ...points(cross), `${x(cross.length * POINT_SECONDS)},${y(0)}`].join(' ');
  return [
    `<text x="${LEFT}" y="${top - 6}" font-size="13" font-weight="bold">${text(title)}</text>`,
    `<text x="${WIDTH - RIGHT}" y="${top - 6}" text-anchor="end">mean ${mean.toFixed(1)} %, most in 100 ms ${Math.max(...total).toFixed(1)} %</text>`,
    ...grid,
    ...marks,
    `<polygon points="${shade}" fill="${OTHERS}" opacity="0.6"/>`,
    `<polyline points="${points(total).join(' ')}" fill="none" stroke="${TOTAL}" stroke-width="1.6"/>`,
    `<path d="M${LEFT} ${y(50)}H${WIDTH - RIGHT}" stroke="${TARGET}" stroke-dasharray="5 3" stroke-width="1.2"/>`,
  ].join('\n');
}

function text(raw: string): string {
  return raw.replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Draws `svgPath` as a PNG beside it; returns what went wrong, or undefined. */
export function drawPng(svgPath: string, height: number): string | undefined {
  const png = svgPath.replace(/\.svg$/, '.png');
  if (onPath('rsvg-convert')) {
    const drawn = spawnSync('rsvg-convert', ['--zoom', '2', '--output', png, svgPath], { encoding: 'utf8' });
    return drawn.status === 0 ? undefined : `rsvg-convert: ${drawn.stderr.trim()}`;
  }
  if (!onPath('chromium')) return 'no PNG: apt-get install librsvg2-bin (or chromium)';
  const profile = mkdtempSync(join(tmpdir(), 'halfpipe-plot-'));
  try {
    const page = join(profile, 'page.html');
    writeFileSync(page, `<body style="margin:0"><img src="${pathToFileURL(svgPath)}">`);
    const quiet = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--no-first-run',
    ];
    const size = [`--window-size=${WIDTH},${height}`, '--force-device-scale-factor=2'];
    const where = [`--user-data-dir=${profile}`, `--screenshot=${png}`, pathToFileURL(page).href];
    const drawn = spawnSync('chromium', [...quiet, ...size, ...where], { encoding: 'utf8', timeout: 60_000 });
    return drawn.status === 0 ? undefined : `chromium: ended with ${drawn.status}`;
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}
