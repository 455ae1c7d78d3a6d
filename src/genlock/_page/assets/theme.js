// Light or dark: as the system says, or as the reader does.

const THEMES = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" };
const KEPT_AS = "genlock-theme";

class Theme {
  constructor(button, redraw) {
    Object.assign(this, { button, redraw });
    this.dark = window.matchMedia("(prefers-color-scheme: dark)");
    this.chosen = Object.hasOwn(THEMES, recalled(KEPT_AS)) ? recalled(KEPT_AS) : "auto";
    this.#apply(false);
  }

  listen() {
    const names = Object.keys(THEMES);
    this.button.addEventListener("click", () => {
      this.chosen = names[(names.indexOf(this.chosen) + 1) % names.length];
      remember(KEPT_AS, this.chosen);
      this.turn();
    });
    this.dark.addEventListener("change", () => this.turn());
  }

  /** Show the page in the theme that is due: on paper, that is the light one. */
  turn({ isPrinting = false } = {}) {
    this.#apply(isPrinting);
    this.redraw();
  }

  #apply(isPrinting) {
    const isDark = this.chosen === "auto" ? this.dark.matches : this.chosen === "dark";
    document.documentElement.dataset.theme = isDark && !isPrinting ? "dark" : "light";
    this.button.textContent = THEMES[this.chosen];
    this.button.setAttribute("aria-label", `Theme: ${this.chosen}`);
  }
}

/** What a browser may keep of a page; not of one in a private window, or opened from a disk. */
function recalled(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It holds for as long as the page is open.
  }
}
