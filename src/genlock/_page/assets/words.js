// Numbers, durations and places in words.

const UNITS = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];

function inWords(number, thing, plural = `${thing}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? thing : plural}`;
}

/** A duration of so many nanoseconds, in the unit that suits it; nothing as a dash. */
function duration(nanoseconds) {
  if (!nanoseconds) return "–";
  const [size, unit] = unitFor(nanoseconds);
  const value = nanoseconds / size;
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  const rounded = Number(value.toFixed(digits));
  return `${rounded.toLocaleString("en", { maximumFractionDigits: 2 })} ${unit}`;
}

function unitFor(nanoseconds) {
  return UNITS.find(([size]) => nanoseconds >= size) ?? UNITS.at(-1);
}

/** A moment, as exact as steps of so many nanoseconds need it, in the unit of the step. */
function moment(nanoseconds, step) {
  const [size, unit] = unitFor(Math.max(step, 1));
  const digits = Math.max(0, Math.ceil(-Math.log10(step / size) - 1e-9));
  const shown = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${(nanoseconds / size).toLocaleString("en", shown)} ${unit}`;
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
