/* Two to six methods side by side: the others' columns are hidden, and the choice lies in the address, #with=a,b. */
"use strict";

(() => {
  const MOST = 6;
  const select = document.querySelector(".choose select");
  const status = document.querySelector("[data-chosen]");
  const table = document.querySelector("#chosen table");
  const heads = [...table.tHead.rows[0].cells];
  const options = [...select.options];

  const show = () => {
    const chosen = options.filter((option) => option.selected);
    for (const option of chosen.slice(MOST)) option.selected = false;
    const names = new Set(chosen.slice(0, MOST).map((option) => option.value));
    heads.forEach((head, i) => {
      if (i) for (const row of table.rows) row.cells[i].hidden = !names.has(head.dataset.method);
    });
    const most = chosen.length > MOST ? ` Only ${MOST} fit side by side.` : "";
    status.textContent = names.size < 2 ? "Choose one more to compare." : `${names.size} methods shown.${most}`;
    return names;
  };

  const load = () => {
    const wanted = (new URLSearchParams(location.hash.slice(1)).get("with") ?? "").split(",");
    const known = options.filter((option) => wanted.includes(option.value));
    const chosen = known.length ? known : options.slice(0, MOST);
    for (const option of options) option.selected = chosen.includes(option);
    show();
  };

  select.closest("div").hidden = false;
  select.addEventListener("change", () => {
    const names = [...show()].join(",");
    history.replaceState(null, "", `${location.href.split("#")[0]}#${new URLSearchParams({ with: names })}`);
  });
  addEventListener("hashchange", () => location.hash.startsWith("#with=") && load());
  load();
})();
