// The colours of the canvases: those of the style sheet, in the theme that is on.

const FILLS = 10;
const SHADES = 4;
const SHADE = 0.17; // nearer to the paper, so that what is written on it stands out as well

class Colours {
  constructor(recording) {
    this.recording = recording;
    const functions = new Map();
    this.places = recording.guards.map((it) => {
      const made = it.made || it.name;
      const known = functions.get(made) ?? { fill: functions.size % FILLS, guards: 0 };
      functions.set(made, known);
      return { fill: known.fill, shade: known.guards++ % SHADES };
    });
    this.read();
  }

  /** Read the theme anew. */
  read() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.fills = Array.from({ length: FILLS }, (_, number) => colour(`fill-${number}`));
    for (const name of [
      "paper",
      "raised",
      "ink",
      "quiet",
      "line",
      "label",
      "accent",
      "bad",
      "wait",
      "wait-paper",
      "many",
      "found",
    ]) {
      this[name] = colour(name);
    }
    this.shades = this.fills.map((fill) =>
      Array.from({ length: SHADES }, (_, shade) => mixed(fill, this.paper, shade * SHADE)),
    );
    this.hatch = null;
  }

  /** That of a guard: each function has a colour, and its guards have shades of it. */
  of(guard) {
    const { fill, shade } = this.places[guard];
    return this.shades[fill][shade];
  }

  /** The same for the style sheet, in either theme. */
  styleOf(guard) {
    const share = 100 * (1 - this.places[guard].shade * SHADE);
    return `color-mix(in srgb, ${this.baseOf(guard)} ${share}%, var(--paper))`;
  }

  /** That of a guard's function. */
  baseOf(guard) {
    return `var(--fill-${this.places[guard].fill})`;
  }

  /** The pattern of waiting. */
  hatching(context) {
    this.hatch ??= context.createPattern(hatchingTile(this.wait, this["wait-paper"]), "repeat");
    return this.hatch;
  }
}

/** Of two colours, #rrggbb, that which is so far from the first to the second. */
function mixed(one, other, share) {
  const part = (colour, at) => parseInt(colour.slice(at, at + 2), 16);
  const parts = [1, 3, 5].map((at) =>
    Math.round(part(one, at) * (1 - share) + part(other, at) * share),
  );
  return `rgb(${parts.join(", ")})`;
}

function hatchingTile(line, paper) {
  const size = 6;
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const context = tile.getContext("2d");
  context.fillStyle = paper;
  context.fillRect(0, 0, size, size);
  context.strokeStyle = line;
  context.lineWidth = 1.3;
  context.beginPath();
  for (const offset of [-size, 0, size]) {
    context.moveTo(offset - 1, size + 1);
    context.lineTo(offset + size + 1, -1);
  }
  context.stroke();
  return tile;
}
