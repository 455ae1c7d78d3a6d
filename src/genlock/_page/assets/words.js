// Numbers, durations and places in words.

const UNITS = [
  [1, "ns"],
  [1e3, "µs"],
  [1e6, "ms"],
  [1e9, "s"],
];
const LONG_UNITS = [
  [60, "min"],
  [3600, "h"],
  [86400, "d"],
];
const SECOND = 1e9;
const DIGITS = 3;

function inWords(number, thing, plural = `${thing}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? thing : plural}`;
}

/**
 * A duration of so many nanoseconds, to three digits, in the unit that suits it; nothing as a dash.
 * From a minute on in two units, of which the smaller one is whole. The terminal has the same rule.
 */
function duration(nanoseconds) {
  if (!nanoseconds) return "–";
  const seconds = Math.floor((nanoseconds + SECOND / 2) / SECOND);
  if (seconds >= LONG_UNITS[0][0]) return longDuration(seconds);
  for (const [size, unit] of UNITS) {
    const text = rounded(nanoseconds / size);
    if (Number(text) < 1000 || unit === "s") return `${text} ${unit}`;
  }
}

function rounded(value) {
  const digits = Math.max(0, DIGITS - String(Math.trunc(value)).length);
  const power = 10 ** digits;
  const text = (Math.floor(value * power + 0.5) / power).toFixed(digits);
  return digits ? text.replace(/\.?0+$/, "") : text;
}

function longDuration(seconds) {
  const place = LONG_UNITS.findLastIndex(([size]) => seconds >= size);
  const [size, unit] = LONG_UNITS[place];
  const [below, belowUnit] = LONG_UNITS[place - 1] ?? [1, "s"];
  const rest = Math.floor((seconds % size) / below);
  const many = `${Math.floor(seconds / size).toLocaleString("en")} ${unit}`;
  return rest ? `${many} ${rest} ${belowUnit}` : many;
}

/** A moment, as exact as steps of so many nanoseconds need it, in the unit that suits `scale`. */
function moment(nanoseconds, step, scale = nanoseconds) {
  if (scale >= LONG_UNITS[0][0] * SECOND) return longMoment(nanoseconds, step);
  const [size, unit] = UNITS.findLast(([it]) => Math.max(scale, step, 1) >= it);
  const digits = digitsFor(step / size);
  const shown = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${(nanoseconds / size).toLocaleString("en", shown)} ${unit}`;
}

function longMoment(nanoseconds, step) {
  let rest = (Math.round(nanoseconds / step) * step) / SECOND;
  const parts = [];
  for (const [size, unit] of LONG_UNITS.toReversed()) {
    const many = Math.floor(rest / size + 1e-9);
    if (many) parts.push(`${many.toLocaleString("en")} ${unit}`);
    rest = Math.max(0, rest - many * size);
  }
  const digits = digitsFor(step / SECOND);
  const seconds = rest.toFixed(digits);
  if (Number(seconds) || !parts.length) parts.push(`${seconds} s`);
  return parts.join(" ");
}

/** How many digits after the point tell steps of a size apart. */
function digitsFor(step) {
  return Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
}

/** A step that tells a stretch of time well enough in words. */
function stepFor(length) {
  return Math.max(1, 10 ** Math.floor(Math.log10(Math.max(length, 1) / 100)));
}

/** The last part of a path, with the line that may follow it. */
function shortPlace(place) {
  return place.split(/[\\/]/).at(-1);
}

/** As much of a text as so many characters hold: its end tells it from others, as its begin. */
function clipped(text, length) {
  if (text.length <= length) return text;
  const tail = Math.floor((length - 1) / 3);
  return `${text.slice(0, Math.max(0, length - 1 - tail))}…${tail ? text.slice(-tail) : ""}`;
}

const byId = (id) => document.getElementById(id);

/** An element with its attributes and what is in it: text stays text. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** The same, of a picture. */
function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
