// The table of trials: sorts, filters, and draws only the rows that are in view. No library; all text is set as text.
"use strict";
(() => {
  const source = document.getElementById("trial-data");
  const host = document.getElementById("trial-table");
  if (!source || !host) return;

  const { columns, total } = JSON.parse(source.textContent);
  for (const column of columns) {
    if (column.codes) column.values = column.codes.map((code) => (code < 0 ? null : column.texts[code]));
  }
  const ROW = 28; // pixels, as in the style sheet
  const SPARE = 12; // rows drawn above and below the view
  const PRINTED = 1000; // rows that are printed
  const LONG = ["error", "note", "reports"];
  const everything = Array.from({ length: total }, (_, row) => row);
  let order = everything;
  let sort = { column: null, down: false };
  let whole = false;
  let opened = -1;

  const make = (tag, properties = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };

  // --- what is shown ---------------------------------------------------------------------------------

  const shown = (column, row) => {
    const value = column.values[row];
    if (value === null) return "";
    if (typeof value !== "number") return value;
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  };

  // A number takes >1, >=1, <1, <=1, =1, 1..2 and words; everything else is searched for, and !text left out.
  const predicate = (column, text) => {
    const query = text.trim();
    if (!query) return null;
    if (column.kind === "number") {
      const range = /^(-?[\d.]+(?:e[-+]?\d+)?)\s*\.\.\s*(-?[\d.]+(?:e[-+]?\d+)?)$/i.exec(query);
      if (range) {
        const [low, high] = [Number(range[1]), Number(range[2])];
        return (row) => column.values[row] !== null && column.values[row] >= low && column.values[row] <= high;
      }
      const test = /^(>=|<=|>|<|=)\s*(-?[\d.]+(?:e[-+]?\d+)?)$/i.exec(query);
      if (test) {
        const bound = Number(test[2]);
        const compare = {
          ">": (a) => a > bound, ">=": (a) => a >= bound, "<": (a) => a < bound, "<=": (a) => a <= bound,
          "=": (a) => a === bound,
        }[test[1]];
        return (row) => column.values[row] !== null && compare(column.values[row]);
      }
    }
    const without = query.startsWith("!") && query.length > 1;
    const wanted = (without ? query.slice(1) : query).toLowerCase();
    return (row) => shown(column, row).toLowerCase().includes(wanted) !== without;
  };

  const inputs = columns.map((column) =>
    make("input", {
      type: "search", placeholder: column.kind === "number" ? "> 0.5" : "text", autocomplete: "off", spellcheck: false,
      "aria-label": `filter ${column.name}`,
    }));
  const search = make("input", { type: "search", autocomplete: "off", spellcheck: false });

  const arrange = () => {
    const tests = columns.map((column, place) => predicate(column, inputs[place].value)).filter(Boolean);
    const words = search.value.trim().toLowerCase();
    if (words) tests.push((row) => columns.some((column) => shown(column, row).toLowerCase().includes(words)));
    order = tests.length ? everything.filter((row) => tests.every((test) => test(row))) : everything.slice();
    if (sort.column !== null) {
      const values = columns[sort.column].values;
      const sign = sort.down ? -1 : 1;
      const number = columns[sort.column].kind === "number";
      const compare = number ? (a, b) => a - b : new Intl.Collator("en", { numeric: true }).compare;
      order.sort((a, b) => {
        if (values[a] === null || values[b] === null) return (values[a] === null) - (values[b] === null) || a - b;
        return sign * compare(values[a], values[b]) || a - b;
      });
    }
    count.textContent = order.length === total
      ? `${total.toLocaleString("en")} trials`
      : `${order.length.toLocaleString("en")} of ${total.toLocaleString("en")} trials`;
    table.setAttribute("aria-rowcount", String(order.length + 2));
    view.scrollTop = 0;
    draw();
  };

  // --- the table -------------------------------------------------------------------------------------

  const count = make("p", { className: "count", role: "status" });
  const body = make("tbody");
  const heads = columns.map((column, place) => {
    const button = make("button", { type: "button", title: `sort by ${column.name}` }, make("bdi", {}, column.name));
    button.addEventListener("click", () => {
      const again = sort.column === place;
      const first = column.descending || false;
      sort = again && sort.down !== first ? { column: null, down: false } : { column: place, down: again ? !first : first };
      heads.forEach((head, other) => {
        head.setAttribute("aria-sort", sort.column !== other ? "none" : sort.down ? "descending" : "ascending");
      });
      arrange();
    });
    return make("th", { scope: "col", "aria-sort": "none", className: column.kind }, button);
  });
  const widths = columns.map((column) => {
    const step = Math.max(1, Math.floor(total / 200));
    let longest = Math.min(column.name.length + 3, 24);
    for (let row = 0; row < total; row += step) longest = Math.max(longest, Math.min(shown(column, row).length, 28));
    return make("col", { style: `width: ${longest + 3}ch` });
  });
  const table = make(
    "table", { className: "virtual" },
    make("caption", { className: "unseen" }, "All trials; a row can be opened for its details"),
    make("colgroup", {}, ...widths),
    make("thead", {},
      make("tr", {}, ...heads),
      make("tr", { className: "filters" }, ...inputs.map((input) => make("td", {}, input)))),
    body);
  const view = make("div", { className: "view", tabIndex: 0, role: "region", "aria-label": "table of all trials" }, table);
  const detail = make("div", { className: "detail", role: "region", "aria-label": "details of a trial", hidden: true });
  const clear = make("button", { type: "button" }, "Show all");
  host.replaceChildren(
    make("div", { className: "tools" }, make("label", {}, "Search ", search), clear, count), view, detail);

  const filler = (rows) => {
    const cell = make("td", { colSpan: columns.length });
    cell.style.height = `${rows * ROW}px`;
    return make("tr", { className: "filler", "aria-hidden": "true" }, cell);
  };

  const line = (place) => {
    const row = order[place];
    const cells = columns.map((column, index) => {
      const text = shown(column, row);
      const tag = index === 0 ? "th" : "td";
      const content = index === 0 ? make("button", { type: "button", title: "details" }, text) : make("bdi", {}, text);
      const cell = make(tag, { className: column.kind, title: text.length > 20 ? text : "" }, content);
      if (index === 0) {
        cell.scope = "row";
        content.addEventListener("click", () => open(row));
      }
      return cell;
    });
    const made = make("tr", { "aria-rowindex": String(place + 3) }, ...cells);
    if (row === opened) made.className = "opened";
    return made;
  };

  const draw = () => {
    const limit = whole ? Math.min(order.length, PRINTED) : order.length;
    const from = whole ? 0 : Math.max(0, Math.floor(view.scrollTop / ROW) - SPARE);
    const to = whole ? limit : Math.min(limit, Math.ceil((view.scrollTop + view.clientHeight) / ROW) + SPARE);
    const rows = [];
    for (let place = from; place < to; place += 1) rows.push(line(place));
    const focused = document.activeElement && body.contains(document.activeElement)
      ? document.activeElement.closest("tr").getAttribute("aria-rowindex") : null;
    body.replaceChildren(filler(from), ...rows, filler(limit - to));
    if (focused) body.querySelector(`tr[aria-rowindex="${focused}"] button`)?.focus({ preventScroll: true });
  };

  const open = (row) => {
    opened = opened === row ? -1 : row;
    detail.hidden = opened < 0;
    if (opened >= 0) {
      const list = make("dl");
      columns.forEach((column) => {
        const text = shown(column, row);
        if (!text) return;
        const value = LONG.includes(column.name) ? make("pre", {}, text) : make("bdi", {}, text);
        list.append(make("div", {}, make("dt", {}, make("bdi", {}, column.name)), make("dd", {}, value)));
      });
      detail.replaceChildren(make("h3", {}, `Trial ${columns[0].values[row]}`), list);
    }
    draw();
  };

  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(arrange, 120);
  };
  [search, ...inputs].forEach((input) => input.addEventListener("input", soon));
  clear.addEventListener("click", () => {
    [search, ...inputs].forEach((input) => { input.value = ""; });
    arrange();
  });
  let framed = false;
  view.addEventListener("scroll", () => {
    if (framed) return;
    framed = true;
    requestAnimationFrame(() => { framed = false; draw(); });
  }, { passive: true });
  addEventListener("resize", draw);
  addEventListener("beforeprint", () => { whole = true; draw(); });
  addEventListener("afterprint", () => { whole = false; draw(); });
  arrange();
})();
