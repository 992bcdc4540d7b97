/* A table as CSV, LaTeX or Markdown: the rows, columns and intervals that are on screen, in their order. In CSV every
   cell holds one value: an interval, a margin, a verdict and a note are columns beside the one they belong to.
   Loaded with `defer`. button[data-copy=csv|latex|markdown] in a .tools[data-for=KEY]; without data-for the tools
   serve the first table.sortable of their nearest ancestor that has one. */
"use strict";

(() => {
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  /** What is not displayed and what is drawn gives no text; blocks stand apart. */
  const pieces = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (node.nodeType !== Node.ELEMENT_NODE || node.localName === "svg") return "";
    const { display } = getComputedStyle(node);
    if (display === "none" || node.classList.contains("visually-hidden")) return "";
    const text = [...node.childNodes].map(pieces).join("");
    return display === "inline" && node.localName !== "br" ? text : ` ${text} `;
  };
  const shown = (node) => pieces(node).replace(/\s+/g, " ").trim();
  const visible = (element) => getComputedStyle(element).display !== "none";

  /** Visible cells of visible rows as text, the header first. */
  const matrix = (table) =>
    [...table.rows].filter(visible).map((row) => [...row.cells].filter(visible).map(shown));

  /** For each visible column, whether it holds numbers. */
  const numeric = (table) => {
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    const columns = [...heads.keys()].filter((i) => visible(heads[i]));
    return columns.map((i) => rows.some((row) => row.cells[i]?.dataset.value));
  };

  /* A text that a spreadsheet would run as a formula is marked as text; signed numbers are none. */
  const formula = /^[=@]|^[+-](?!\.?\d)/;
  const csvField = (text) => {
    const safe = formula.test(text) ? `'${text}` : text;
    return /[",;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };

  const INTERVAL = /(?:\[|^)\s*([+-]?[\d.]+)(?:\s*%)?(?:,| to)\s*([+-]?[\d.]+)/;
  const MARGIN = /^\u00b1\s*([\d.]+)/;
  /** What a cell says, each value by the ending of its column's name. */
  const valuesOf = (cell) => {
    const found = new Map();
    const main = cell.cloneNode(true);
    for (const each of main.querySelectorAll("small, .verdict, .flag, svg, .visually-hidden")) each.remove();
    const text = main.textContent.replace(/\s+/g, " ").trim();
    const number = cell.dataset.value;
    found.set("", number || (number === undefined ? text : ""));
    if (number === "" && text) found.set("note", text);
    for (const small of cell.querySelectorAll("small, .verdict, .flag")) {
      const said = small.textContent.replace(/\s+/g, " ").trim();
      const [, low, high] = INTERVAL.exec(said) ?? [];
      const [, margin] = MARGIN.exec(said) ?? [];
      if (low) found.set("low", low).set("high", high);
      else if (margin) found.set("margin", margin);
      else if (said) found.set(small.classList.contains("verdict") ? "verdict" : "note", said);
    }
    return found;
  };
  const headOf = (head) => shown(head.querySelector("button") ?? head);
  const csv = (table) => {
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]).filter(visible);
    const columns = [...heads.keys()].filter((i) => visible(heads[i])).map((i) => {
      const cells = rows.map((row) => (row.cells[i] ? valuesOf(row.cells[i]) : new Map()));
      const endings = ["", "low", "high", "margin", "verdict", "note"].filter((end) => !end || cells.some((c) => c.has(end)));
      return endings.map((end) => [end ? `${headOf(heads[i])} ${end}` : headOf(heads[i]), ...cells.map((c) => c.get(end) ?? "")]);
    }).flat();
    const lines = [...Array(rows.length + 1).keys()].map((i) => columns.map((column) => csvField(column[i])).join(","));
    return `${lines.join("\n")}\n`;
  };

  const markdownField = (text) => text.replace(/[\\`*_[\]<>|~&]/g, "\\$&");
  const markdown = (table) => {
    const line = (fields) => `| ${fields.join(" | ")} |\n`;
    const [head, ...rows] = matrix(table).map((row) => line(row.map(markdownField)));
    return head + line(numeric(table).map((number) => (number ? "---:" : ":---"))) + rows.join("");
  };

  const LATEX = new Map([
    ...[..."&%$#_{}"].map((sign) => [sign, `\\${sign}`]),
    ["\\", "\\textbackslash{}"], ["~", "\\textasciitilde{}"], ["^", "\\textasciicircum{}"],
    ["<", "\\textless{}"], [">", "\\textgreater{}"], ["|", "\\textbar{}"],
    ["\u00b1", "$\\pm$"], ["\u00d7", "$\\times$"], ["\u2212", "$-$"], ["\u2013", "--"], ["\u00b2", "$^2$"],
    ["\u2264", "$\\leq$"], ["\u2265", "$\\geq$"], ["\u2192", "$\\rightarrow$"], ["\u221e", "$\\infty$"],
  ]);
  const latexField = (text) =>
    text
      .replace(/(?<![\p{L}\p{N}])-(?=[\d.])/gu, "\u2212")
      .replace(/[^\p{L}\p{N}\s]/gu, (sign) => LATEX.get(sign) ?? sign);
  const latex = (table) => {
    const [head, ...rows] = matrix(table).map((row) => `${row.map(latexField).join(" & ")} \\\\\n`);
    const caption = table.closest("figure")?.querySelector("figcaption");
    const note = caption ? `% ${shown(caption)}\n` : "";
    const columns = numeric(table).map((number) => (number ? "r" : "l")).join("");
    const body = `\\toprule\n${head}\\midrule\n${rows.join("")}\\bottomrule\n`;
    return `${note}% \\usepackage{booktabs}\n\\begin{tabular}{${columns}}\n${body}\\end{tabular}\n`;
  };

  const FORMATS = { csv: ["CSV", csv], latex: ["LaTeX", latex], markdown: ["Markdown", markdown] };

  /** The text, selected, for a browser that does not let a page write to the clipboard. */
  const offer = (text) => {
    const title = make("h2", { id: "copy-title" }, "Copy this text");
    const area = make("textarea", { value: text, readOnly: true, rows: 12, spellcheck: false });
    const close = make("button", { type: "button" }, "Close");
    const dialog = make("dialog", { className: "copy" }, title, area, close);
    dialog.setAttribute("aria-labelledby", title.id);
    area.setAttribute("aria-label", "The table as text; copy it with Ctrl+C or Command+C");
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    area.select();
  };

  const tableOf = (tools) => {
    const all = [...document.querySelectorAll("table.sortable")];
    if (tools.dataset.for) return all.find((table) => table.dataset.table === tools.dataset.for);
    let around = tools.parentElement;
    while (around && !around.querySelector("table.sortable")) around = around.parentElement;
    return around?.querySelector("table.sortable");
  };

  const copy = async (tools, format) => {
    const table = tableOf(tools);
    const [name, write] = FORMATS[format];
    const text = write(table);
    const status = tools.querySelector("[data-status]");
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = `Copied ${matrix(table).length - 1} rows as ${name}.`;
    } catch {
      status.textContent = "The browser keeps the clipboard closed: copy the selected text.";
      offer(text);
    }
  };

  for (const tools of document.querySelectorAll(".tools")) {
    for (const button of tools.querySelectorAll("button[data-copy]")) {
      button.addEventListener("click", () => copy(tools, button.dataset.copy));
    }
  }
})();
