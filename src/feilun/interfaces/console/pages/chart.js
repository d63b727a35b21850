/** Draws lines over time, without a library: axes, a line for each series, and points that lead somewhere. */

import { drawn, element } from "./elements.js";
import { language } from "./words.js";

const HEIGHT = 230;
const EDGE = { left: 46, right: 14, top: 10, bottom: 24 };
const STEPS = [1, 2, 6, 12, 24, 48, 168].map((hours) => hours * 3600);

/**
 * Sum series up in wider buckets, so that a line has at most so many points.
 * @param {Object} series Its buckets (seconds since 1970), counts and negatives.
 * @param {number} width Seconds of a bucket.
 * @param {number} most Points that a line may have.
 * @returns {{step: number, points: Array<{time: number, count: number, negative: number}>}}
 */
export function summed(series, width, most) {
  const wide = (series.buckets.length * width) / most;
  const step = STEPS.find((one) => one >= wide && one % width === 0) ?? Math.ceil(wide / width) * width;
  const begin = series.buckets[0] % width; // weeks begin on Monday, and 1970 on a Thursday
  const sums = new Map();
  series.buckets.forEach((bucket, number) => {
    const time = Math.floor((bucket - begin) / step) * step + begin;
    const sum = sums.get(time) ?? { time, count: 0, negative: 0 };
    sum.count += series.counts[number];
    sum.negative += series.negatives[number];
    sums.set(time, sum);
  });
  return { step, points: [...sums.values()] };
}

/**
 * Make a chart that follows the width of its place.
 * @param {string} title What it shows.
 * @param {Array<{name: string, points: Array<{time: number, value: number}>}>} lines
 * @param {{write: function(number): string, most: number, bands: Array<[number, number]>, href: function}} shape How a
 *   value is written, the least top of the scale, times that are marked, and where a point of a line leads.
 */
export function chart(title, lines, shape) {
  const place = element("div.plot");
  let width = 0;
  const watcher = new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - width) < 2) return;
    width = entry.contentRect.width;
    place.replaceChildren(picture(title, lines, shape, width));
  });
  watcher.observe(place);
  return element("figure", {}, element("figcaption", {}, title), place);
}

function picture(title, lines, shape, width) {
  const times = lines.flatMap((line) => line.points.map((point) => point.time));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const top = ceiling(Math.max(shape.most, ...lines.flatMap((line) => line.points.map((point) => point.value))));
  const inside = width - EDGE.left - EDGE.right;
  const x = (time) => EDGE.left + (last > first ? ((time - first) / (last - first)) * inside : inside / 2);
  const y = (value) => EDGE.top + (1 - value / top) * (HEIGHT - EDGE.top - EDGE.bottom);
  return drawn(
    "svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": title },
    bands(shape.bands, first, last, x),
    [0, 0.5, 1].flatMap((part) => level(part * top, y, width, shape.write)),
    dates(first, last, x, inside),
    lines.flatMap((line, number) => traced(line, number, x, y, shape)),
  );
}

/** Return the round number above a value. */
function ceiling(value) {
  if (value <= 1) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 10].map((one) => one * unit).find((one) => one >= value);
}

function bands(spans, first, last, x) {
  return spans
    .filter(([begin, end]) => end > first && begin <= last)
    .map(([begin, end]) => {
      const from = Math.min(x(Math.max(begin, first)), x(last) - 3);
      const width = Math.max(3, x(Math.min(end, last)) - from);
      return drawn("rect.band", { x: from, y: EDGE.top, width, height: HEIGHT - EDGE.top - EDGE.bottom });
    });
}

function level(value, y, width, write) {
  const at = y(value);
  return [
    drawn("line.level", { x1: EDGE.left, x2: width - EDGE.right, y1: at, y2: at }),
    drawn("text.scale", { x: EDGE.left - 6, y: at + 4, "text-anchor": "end" }, write(value)),
  ];
}

function dates(first, last, x, inside) {
  const most = Math.max(1, Math.floor(inside / 110));
  const shown = last > first ? most : 0;
  return Array.from({ length: shown + 1 }, (_, number) => {
    const time = first + (last - first) * (shown ? number / shown : 0);
    const anchor = number === 0 && shown ? "start" : number === shown && shown ? "end" : "middle";
    return drawn("text.scale", { x: x(time), y: HEIGHT - 6, "text-anchor": anchor }, day(time));
  });
}

function traced(line, number, x, y, shape) {
  const path = line.points.map((point, at) => `${at ? "L" : "M"}${x(point.time)} ${y(point.value)}`).join("");
  return [
    drawn(`path.series.color-${number}`, { d: path }),
    ...line.points.map((point) => {
      const said = `${line.name} · ${day(point.time)} · ${shape.write(point.value)}`;
      const dot = drawn(`circle.dot.color-${number}`, { cx: x(point.time), cy: y(point.value), r: 4 },
        drawn("title", {}, said));
      return drawn("a", { href: shape.href(line, point), "aria-label": said }, dot);
    }),
  ];
}

/** Write the day of a moment as buckets count it: in UTC. */
export function day(seconds) {
  const shape = { month: language() === "zh" ? "2-digit" : "short", day: "2-digit", timeZone: "UTC" };
  return new Date(1000 * seconds).toLocaleDateString(language() === "zh" ? "zh-CN" : "en-GB", shape);
}
