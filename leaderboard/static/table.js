/* Data tables that sort, filter and choose columns; the view lies in the URL's fragment. Loaded with `defer`.
   Without it every table is complete, and the controls stay hidden or disabled.

   table.sortable[data-table=KEY]   th[aria-sort] > button[disabled] sorts td[data-value=NUMBER], downwards first, or
                                    upwards with th[data-first=ascending]; th[data-column] or its text names it in
                                    the URL; rows carry data-place and its like, values separated by spaces
   form.filters[data-for=KEY]       select[data-filter=place|cost|regime|suite], "" for all
   .tools[data-for=KEY]             [data-columns], p[role=status][data-status],
                                    select[data-toggle=currency] for cells of class currency-*
   Without data-for, a form serves all tables of its nearest ancestor that has any, tools the first of them.
   URL: #t=KEY&sort=-mean-gain&hide=a,b&place=sampling&t=OTHER..., only what is not the default; `-`: descending. */
"use strict";

(() => {
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const boards = new Map();

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  /** The text of an element, whether on screen or not; what stands small below a name is a word of its own. */
  const text = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    const inner = [...node.childNodes].map(text).join("");
    return node.localName === "small" || node.localName === "br" ? ` ${inner}` : inner;
  };
  const words = (node) => text(node).replace(/\s+/g, " ").trim();
  const title = (head) => words(head.querySelector("button") ?? head);
  const slug = (name) => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");

  /** The number of a cell; NaN where there is none. */
  const number = (cell) => Number.parseFloat(cell?.dataset.value);

  class Board {
    constructor(table) {
      this.heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
      this.names = this.heads.map((head) => head.dataset.column || slug(title(head)));
      this.names = this.names.map((name, i) => (name && this.names.indexOf(name) === i ? name : `${name}-${i + 1}`));
      this.rows = [...table.tBodies].flatMap((body) => [...body.rows]);
      this.homes = this.rows.map((row) => row.parentNode);
      this.pool = table.tBodies.length > 1 ? table.createTBody() : table.tBodies[0];
      this.status = document.createElement("p");
      this.selects = [];
      this.boxes = new Map();
      this.figure = table.closest("figure") ?? table;
      const ordered = (order) => this.names[this.heads.findIndex((head) => head.getAttribute("aria-sort") === order)];
      const sort = ordered("ascending") ?? (ordered("descending") ? `-${ordered("descending")}` : "");
      this.defaults = new Map([["sort", sort], ["hide", ""]]);
      this.heads.forEach((head, i) => {
        const button = head.querySelector("button");
        if (!button || !head.hasAttribute("aria-sort")) return;
        button.disabled = false;
        button.addEventListener("click", () => this.turn(i));
      });
    }

    /** A column's orders in turn, the more useful one first, then the page's own. */
    turn(i) {
      const orders = [this.names[i], `-${this.names[i]}`];
      if (this.numeric(i) && this.heads[i].dataset.first !== "ascending") orders.reverse();
      const own = this.defaults.get("sort");
      const cycle = orders.includes(own) ? [own, ...orders.filter((order) => order !== own)] : [...orders, own];
      const next = cycle[(cycle.indexOf(this.state.get("sort")) + 1) % cycle.length];
      this.state.set("sort", next);
      this.arrange();
      const order = this.heads[i].getAttribute("aria-sort");
      const sorted = `Sorted by ${title(this.heads[i])}, ${order}.`;
      this.status.textContent = order === "none" ? "In the order of the page." : sorted;
      save();
    }

    numeric(i) {
      return this.rows.some((row) => Number.isFinite(number(row.cells[i])));
    }

    accepts(name, value) {
      if (name === "hide") return true;
      if (name === "sort") return this.heads[this.names.indexOf(value.replace(/^-/, ""))]?.querySelector("button");
      const select = this.selects.find((each) => each.name === name);
      return select && [...select.element.options].some((option) => option.value === value);
    }

    arrange() {
      const sort = this.state.get("sort");
      const order = sort.startsWith("-") ? "descending" : "ascending";
      const column = this.names.indexOf(sort.replace(/^-/, ""));
      this.heads.forEach((head, i) => {
        if (head.hasAttribute("aria-sort")) head.setAttribute("aria-sort", i === column ? order : "none");
      });
      if (sort === this.defaults.get("sort")) {
        this.rows.forEach((row, i) => this.homes[i].append(row));
      } else this.pool.append(...this.sorted(column, order));
    }

    /** Rows in order, stable; cells without a value come last in either direction. */
    sorted(column, order) {
      const numbers = this.numeric(column);
      const sign = order === "ascending" ? 1 : -1;
      const value = (cell) => (numbers ? number(cell) : cell && words(cell));
      const compare = numbers ? (a, b) => a - b : collator.compare;
      const empty = (key) => key !== 0 && !key;
      const keyed = this.rows.map((row) => [value(row.cells[column]), row]);
      keyed.sort(([a], [b]) => empty(a) - empty(b) || (empty(a) ? 0 : sign * compare(a, b)));
      return keyed.map(([, row]) => row);
    }

    filter() {
      const wanted = this.selects.filter(({ name }) => name !== "currency" && this.state.get(name));
      const has = (row, name) => (row.dataset[name] ?? "").split(/\s+/).includes(this.state.get(name));
      for (const row of this.rows) row.hidden = !wanted.every(({ name }) => has(row, name));
    }

    columns() {
      const hide = new Set(this.state.get("hide").split(","));
      const currency = `currency-${this.state.get("currency")}`;
      const foreign = (name) => name.startsWith("currency-") && name !== currency;
      const other = (element) => this.state.has("currency") && [...element.classList].some(foreign);
      for (const element of this.figure.querySelectorAll('[class*="currency-"]')) element.hidden = other(element);
      for (const row of [...this.rows, this.heads[0].parentNode]) {
        this.names.forEach((name, i) => {
          if (row.cells[i]) row.cells[i].hidden = (i > 0 && hide.has(name)) || other(row.cells[i]);
        });
      }
      for (const [name, box] of this.boxes) {
        box.checked = !hide.has(name);
        box.parentNode.hidden = other(this.heads[this.names.indexOf(name)]);
      }
    }

    render() {
      for (const { name, element } of this.selects) element.value = this.state.get(name);
      this.arrange();
      this.filter();
      this.columns();
    }

    /** Takes a select into the state: its value on the page is the default. */
    add(name, element, message) {
      this.selects.push({ name, element });
      this.defaults.set(name, (element.querySelector("option[selected]") ?? element.options[0]).value);
      element.addEventListener("change", () => {
        this.state.set(name, element.value);
        this.filter();
        this.columns();
        this.status.textContent = message(element);
        save();
      });
    }

    addFilters(form) {
      const count = () => `${this.rows.filter((row) => !row.hidden).length} of ${this.rows.length} rows shown.`;
      for (const select of form.querySelectorAll("select[data-filter]")) {
        const name = select.dataset.filter;
        if (this.rows.some((row) => name in row.dataset)) this.add(name, select, count);
      }
      form.addEventListener("reset", () => setTimeout(() => {
        for (const { element } of this.selects) element.dispatchEvent(new Event("change"));
      }));
    }

    addTools(tools) {
      const chosen = (select) => `Shown: ${words(select.selectedOptions[0])}.`;
      for (const select of tools.querySelectorAll("[data-toggle=currency]")) this.add("currency", select, chosen);
      for (const holder of tools.querySelectorAll("[data-columns]")) this.choose(holder);
      this.status = tools.querySelector("[data-status]") ?? this.status;
    }

    choose(holder) {
      const choices = make("fieldset", {}, make("legend", {}, "Columns shown"));
      const summary = make("summary", {}, "Columns");
      const onkeydown = ({ key, currentTarget }) => {
        if (key !== "Escape") return;
        currentTarget.open = false;
        summary.focus();
      };
      holder.append(make("details", { onkeydown }, summary, choices));
      this.names.slice(1).forEach((name, i) => {
        const box = make("input", { type: "checkbox", checked: true, autocomplete: "off" });
        box.addEventListener("change", () => this.toggle());
        this.boxes.set(name, box);
        choices.append(make("label", {}, box, ` ${words(this.heads[i + 1])}`));
      });
    }

    toggle() {
      this.state.set("hide", [...this.boxes].filter(([, box]) => !box.checked).map(([name]) => name).join(","));
      this.columns();
      this.status.textContent = `${this.heads.filter((head) => !head.hidden).length} columns shown.`;
      save();
    }
  }

  const save = () => {
    const view = new URLSearchParams();
    for (const [key, board] of boards) {
      const changes = [...board.state].filter(([name, value]) => value !== board.defaults.get(name));
      if (changes.length) view.append("t", key);
      for (const [name, value] of changes) view.append(name, value);
    }
    history.replaceState(null, "", location.href.split("#")[0] + (String(view) && `#${view}`));
  };

  const load = () => {
    const view = new URLSearchParams(location.hash.startsWith("#t=") ? location.hash.slice(1) : "");
    for (const each of boards.values()) each.state = new Map(each.defaults);
    let board;
    for (const [name, value] of view) {
      if (name === "t") board = boards.get(value);
      else if (board?.accepts(name, value)) board.state.set(name, value);
    }
    for (const each of boards.values()) each.render();
  };

  /** A row that a link leads to must be there: its table goes back to the order and rows of the page. */
  const reveal = () => {
    const target = document.querySelector(":target");
    const board = boards.get(target?.closest("table.sortable")?.dataset.table);
    if (!board || target.getBoundingClientRect().height) return;
    board.state = new Map(board.defaults);
    board.render();
    target.scrollIntoView();
  };

  /** The boards that a form or a set of tools serves. */
  const served = (control) => {
    if (control.dataset.for) return [boards.get(control.dataset.for)];
    let around = control.parentElement;
    while (around && !around.querySelector("table.sortable")) around = around.parentElement;
    return [...(around?.querySelectorAll("table.sortable") ?? [])].map((table) => boards.get(table.dataset.table));
  };

  /** A narrow screen and paper show a row as a card, in which every cell says whose column it is in. */
  for (const table of document.querySelectorAll("main table")) {
    const heads = [...(table.tHead?.rows[0]?.cells ?? [])].map(title);
    if (heads.length < 4 || table.querySelector("[rowspan]")) continue;
    for (const body of table.tBodies) {
      for (const row of body.rows) {
        for (let i = 1; i < row.cells.length; i++) row.cells[i].dataset.label = heads[i] ?? "";
      }
    }
    table.classList.add("cards");
    table.classList.toggle("few", heads.length < 10);
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    if (table.tHead && table.tBodies.length) boards.set(table.dataset.table, new Board(table));
  }
  for (const tools of document.querySelectorAll(".tools")) {
    served(tools)[0]?.addTools(tools);
    tools.hidden = false;
  }
  for (const form of document.querySelectorAll("form.filters")) {
    for (const board of served(form)) board?.addFilters(form);
    form.hidden = false;
  }
  load();
  addEventListener("hashchange", () => (/^(#t=.*)?$/.test(location.hash) ? load() : reveal()));
})();
