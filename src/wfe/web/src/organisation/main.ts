/** The administrator's page: keeps what is on it as it is now, and draws what each process took in the last minute. */
import { element, find, set, svg } from '../dom.js';

interface Process {
  process: string;
  id: string;
  state: string;
  clients: number | null;
  cpu_percent: number | null;
  memory_bytes: number | null;
}

interface Now {
  processes: Process[];
  connected: Array<{ name: string; things: number }>;
}

const EVERY_MS = 1_000;
const KEPT = 60;
const [WIDTH, HEIGHT] = [120, 28];

const processes = find<HTMLTableSectionElement>('#processes tbody');
const connected = find<HTMLTableSectionElement>('#connected tbody');
/** Percent of a processor, by process, the newest last. */
const taken = new Map<string, number[]>();

async function follow(): Promise<void> {
  try {
    const answer = await fetch('/admin/now');
    // Whoever is no administrator any more, or is logged out, is told so by the page itself.
    if (answer.status === 401 || answer.status === 403) return location.reload();
    if (answer.ok) show((await answer.json()) as Now);
  } catch {
    // The server is being restarted: the next try comes soon.
  }
  setTimeout(() => void follow(), EVERY_MS);
}

function show(now: Now): void {
  processes.replaceChildren(...now.processes.map(row));
  const streams = now.connected.map(({ name, things }) =>
    element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, String(things))),
  );
  connected.replaceChildren(...streams);
}

function row(of: Process): HTMLTableRowElement {
  const name = `${of.process} ${of.id}`;
  const series = [...(taken.get(name) ?? []), of.cpu_percent ?? 0].slice(-KEPT);
  taken.set(name, series);
  const memory = of.memory_bytes === null ? '-' : `${Math.floor(of.memory_bytes / 1_000_000)} MB`;
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, name),
    element('td', {}, of.state),
    element('td', {}, String(of.clients ?? '-')),
    element('td', {}, `${of.cpu_percent ?? '-'} %`),
    element('td', {}, memory),
    element('td', {}, chart(series)),
  );
}

/** A line from left, a minute ago, to right; the top is a whole processor, or more where more was taken. */
function chart(series: number[]): SVGSVGElement {
  const most = Math.max(100, ...series);
  const at = (value: number, index: number) =>
    `${((index + KEPT - series.length) * WIDTH) / (KEPT - 1)},${HEIGHT - 1 - (value * (HEIGHT - 2)) / most}`;
  const drawn = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: 'img', class: 'chart' });
  set(drawn, { 'aria-label': `at most ${Math.max(...series)} % of a processor in the last minute` });
  drawn.append(svg('polyline', { points: series.map(at).join(' ') }));
  return drawn;
}

void follow();
