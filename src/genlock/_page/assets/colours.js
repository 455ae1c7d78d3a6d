// The colours of the canvases: those of the style sheet, in the theme that is on.

const FILLS = 10;

class Colours {
  constructor(recording) {
    this.recording = recording;
    const functions = [...new Set(recording.guards.map((it) => it.made || it.name))];
    this.numbers = recording.guards.map((it) => functions.indexOf(it.made || it.name) % FILLS);
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
    this.hatch = null;
  }

  /** That of a guard's function. */
  of(guard) {
    return this.fills[this.numbers[guard]];
  }

  /** The pattern of waiting. */
  hatching(context) {
    this.hatch ??= context.createPattern(hatchingTile(this.wait, this["wait-paper"]), "repeat");
    return this.hatch;
  }
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
