// Buttons that copy code, and pictures in the colours that the reader's system asks for.
"use strict";
(() => {
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const code = document.getElementById(button.getAttribute("aria-controls"));
      const range = document.createRange();
      range.selectNodeContents(code);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      const done = document.execCommand("copy");
      selection.removeAllRanges();
      button.textContent = done ? "Copied" : "Press Ctrl-C";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }

  const source = document.getElementById("figure-data");
  if (!source || !window.Plotly) return;
  const figures = JSON.parse(source.textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const patched = (figure) => {
    const copy = structuredClone(figure.light);
    for (const [path, value] of figure.dark) {
      let place = copy;
      for (const step of path.slice(0, -1)) place = place[step];
      place[path[path.length - 1]] = value;
    }
    return copy;
  };

  const drawOne = (key, figure, isDark) => {
    const place = document.getElementById(`figure-${key}`);
    if (!place) return;
    const { data, layout } = isDark ? patched(figure) : structuredClone(figure.light);
    layout.width = Math.max(figure.least, Math.min(place.clientWidth, 1.35 * figure.width));
    const spare = Math.min(26, layout.margin.t - 30); // the title stands above the picture
    layout.margin.t -= spare;
    layout.height -= spare;
    Plotly.react(place, data, layout, {
      displaylogo: false,
      displayModeBar: layout.width < 600 ? false : "hover",
      modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
    });
  };

  // One picture at a time, so that the page can be read and scrolled meanwhile.
  let turn = 0;
  const show = (isDark) => {
    turn += 1;
    const mine = turn;
    const left = Object.entries(figures);
    document.body.dataset.pictures = "drawing";
    const next = () => {
      if (mine !== turn) return;
      const one = left.shift();
      if (!one) {
        document.body.dataset.pictures = "drawn";
        return;
      }
      drawOne(...one, isDark);
      setTimeout(next, 0);
    };
    next();
  };

  show(dark.matches);
  dark.addEventListener("change", () => show(dark.matches));
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => show(dark.matches), 150);
  });
  addEventListener("beforeprint", () => {
    turn += 1;
    for (const one of Object.entries(figures)) drawOne(...one, false);
  });
  addEventListener("afterprint", () => show(dark.matches));
})();
